/** Inputs and outputs of map and its kin: laziness, windows, order, failures in odd places. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { Pool, type Progress, SerializationError, task } from 'simul';
import { kind, poolTest, threadPoolTest, until, within, workerId } from './support.js';

const collect = async <T>(items: AsyncIterable<T>): Promise<T[]> => {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
};
const range = (n: number): number[] => Array.from({ length: n }, (_, i) => i);

// ---- inputs ---------------------------------------------------------------------------------------------------

for (const kind of ['sync', 'async'] as const) {
  for (const window of [1, 2, 7]) {
    poolTest(`a window of ${window} is never exceeded (${kind} input)`, {}, async (pool) => {
      let read = 0;
      let taken = 0;
      let most = 0;
      // The item that is being handed over is no longer in flight, though the loop has not got it yet.
      const next = (): number => {
        most = Math.max(most, ++read - taken - 1);
        return read;
      };
      function* now(): Generator<number> {
        while (read < 60) yield next();
      }
      async function* later(): AsyncGenerator<number> {
        while (read < 60) {
          if (read % 9 === 4) await new Promise((resolve) => setTimeout(resolve, 2));
          yield next();
        }
      }
      for await (const _ of pool.stream(kind === 'sync' ? now() : later(), (n) => n, { window })) {
        taken += 1;
        assert.ok(read - taken <= window, `${read} read, ${taken} taken`);
        if (taken % 10 === 0) await new Promise((resolve) => setTimeout(resolve, 5));
      }
      assert.equal(taken, 60);
      assert.ok(most <= window, `${most} were in flight`);
      assert.ok(most >= window - 1, 'the window is made use of');
    });
  }
}

poolTest('a fixed chunk is never exceeded, also behind a slow source', { workers: 1 }, async (pool) => {
  async function* source(): AsyncGenerator<number> {
    for (let i = 0; i < 40; i++) {
      if (i % 7 === 3) await new Promise((resolve) => setTimeout(resolve, 3));
      yield i;
    }
  }
  const ids = await pool.map(source(), () => task().id.split('.')[0]!, { chunk: 5 });
  const counts = new Map<string, number>();
  for (const id of ids) counts.set(id, (counts.get(id) ?? 0) + 1);
  assert.ok(Math.max(...counts.values()) <= 5);
});

poolTest('an async source is not waited for with items at hand', { workers: 1 }, async (pool) => {
  let release: (() => void) | undefined;
  const gate = new Promise<void>((resolve) => {
    release = resolve;
  });
  async function* source(): AsyncGenerator<number> {
    yield 1;
    await gate;
    yield 2;
  }
  const stream = pool.stream(source(), (n) => n, { chunk: 10 });
  assert.deepEqual(await within(5000, stream.next(), 'the first'), { done: false, value: 1 });
  release?.();
  assert.deepEqual(await stream.next(), { done: false, value: 2 });
  assert.deepEqual(await stream.next(), { done: true, value: undefined });
});

poolTest('an async input that fails in the middle: what came before is kept', {}, async (pool) => {
  for (const at of [0, 5, 19]) {
    async function* source(): AsyncGenerator<number> {
      for (let i = 0; ; i++) {
        await null;
        if (i === at) throw new RangeError(`input ${at}`);
        yield i;
      }
    }
    const seen: number[] = [];
    await assert.rejects(
      async () => {
        for await (const value of pool.stream(source(), (n) => n)) seen.push(value);
      },
      { message: `input ${at}` },
    );
    assert.deepEqual(seen, range(at));
    await assert.rejects(
      pool.map(source(), (n) => n),
      (error: Error & { task?: unknown }) => error.message === `input ${at}` && error.task === undefined,
    );
  }
});

poolTest('an input whose return throws, or never comes back, changes nothing', {}, async (pool) => {
  const source = (end: () => unknown, async: boolean) => {
    let n = 0;
    const iterator = {
      next: () => {
        const step = { done: false, value: n++ };
        return async ? Promise.resolve(step) : step;
      },
      return: end,
    };
    return {
      [async ? Symbol.asyncIterator : Symbol.iterator]: () => iterator,
    } as unknown as Iterable<number>;
  };
  const ends: [() => unknown, boolean][] = [
    [
      () => {
        throw new Error('sync return');
      },
      false,
    ],
    [() => Promise.reject(new Error('async return')), true],
    [() => new Promise(() => {}), true],
  ];
  for (const [end, async] of ends) {
    for await (const value of pool.stream(source(end, async), (n) => n)) if (value === 5) break;
    await assert.rejects(
      pool.map(source(end, async), (n) => {
        if (n === 5) throw new RangeError('five');
        return n;
      }),
      { message: 'five' },
    );
  }
});

poolTest('an input is read no further once its operation is over', {}, async (pool) => {
  let reads = 0;
  let returns = 0;
  const source: Iterable<unknown> = {
    [Symbol.iterator]: () => ({
      next: () => ({ done: false, value: ++reads === 3 ? new WeakMap() : reads }),
      return: () => {
        returns += 1;
        return { done: true, value: undefined };
      },
    }),
  };
  await assert.rejects(
    pool.map(source, (n) => n, { chunk: 100 }),
    SerializationError,
  );
  assert.deepEqual([reads, returns], [3, 1]);
});

poolTest('an item that cannot travel fails in its place', {}, async (pool) => {
  const items = [1, new WeakSet(), 3, () => new WeakMap(), 5];
  const results = await pool.map(items, (n) => typeof n, { onError: 'settle', chunk: 5 });
  assert.deepEqual(
    results.map(({ status }) => status),
    ['fulfilled', 'rejected', 'fulfilled', 'fulfilled', 'fulfilled'],
  );
  assert.ok((results[1] as PromiseRejectedResult).reason instanceof SerializationError);
});

test('a result that cannot travel fails its task, twenty times, and the workers live', async () => {
  const pool = new Pool({ kind, workers: 2 });
  const before = new Set(await pool.each(workerId));
  for (let i = 0; i < 20; i++) {
    await assert.rejects(Promise.resolve(pool.run(() => ({ deep: [new WeakMap()] }))), (error: unknown) => {
      assert.ok(error instanceof SerializationError);
      assert.match(error.message, /deep/);
      return true;
    });
  }
  const results = await pool.map([1, 2, 3], (n) => (n === 2 ? new WeakRef({}) : n), { onError: 'settle' });
  assert.deepEqual(
    results.map(({ status }) => status),
    ['fulfilled', 'rejected', 'fulfilled'],
  );
  const after = new Set(await pool.each(workerId));
  assert.deepEqual(after, before);
  await pool.close();
});

poolTest('huge items and results', {}, async (pool) => {
  const big = new Uint8Array(20 * 2 ** 20).fill(7);
  const sums = await pool.map([big, big, big], (bytes) => bytes[bytes.length - 1]);
  assert.deepEqual(sums, [7, 7, 7]);
  const back = await pool.map([1, 2, 3], (n) => new Uint8Array(20 * 2 ** 20).fill(n));
  assert.deepEqual(
    back.map((bytes) => [bytes.length, bytes[0], bytes.at(-1)]),
    [1, 2, 3].map((n) => [20 * 2 ** 20, n, n]),
  );
  const text = await pool.map(range(30), (n) => String(n).repeat(200_000));
  assert.ok(text.every((each, n) => each === String(n).repeat(200_000)));
});

// ---- outputs --------------------------------------------------------------------------------------------------

poolTest('next may be called ahead, and return ends it', {}, async (pool) => {
  const stream = pool.stream(range(5), (n) => n * 2);
  const steps = await Promise.all(range(7).map(() => stream.next()));
  assert.deepEqual(
    steps.map(({ value }) => value),
    [0, 2, 4, 6, 8, undefined, undefined],
  );
  const second = pool.stream(range(1000), (n) => n);
  await second.next();
  const waiting = second.next();
  await second.return?.();
  await waiting;
  assert.deepEqual(await second.next(), { done: true, value: undefined });
  await until(() => pool.stats().queued + pool.stats().running === 0, 'the rest is gone');
});

poolTest('settled streams and the order of each kind', {}, async (pool) => {
  const fail = (n: number): number => {
    if (n % 3 === 1) throw new Error(`no ${n}`);
    return n;
  };
  for (const ordered of [true, false]) {
    const results = await collect(pool.stream(range(50), fail, { onError: 'settle', ordered }));
    assert.equal(results.length, 50);
    const good = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
    const expected = range(50).filter((n) => n % 3 !== 1);
    assert.deepEqual(ordered ? good : good.sort((a, b) => a - b), expected);
    if (ordered) assert.ok(results.every(({ status }, i) => (status === 'rejected') === (i % 3 === 1)));
  }
});

threadPoolTest('the first error cancels the rest', { workers: 2 }, async (pool) => {
  const ran = new Int32Array(new SharedArrayBuffer(4));
  await assert.rejects(
    pool.map(
      range(10_000),
      (n) => {
        Atomics.add(ran, 0, 1);
        if (n === 3) throw new RangeError('three');
        const end = performance.now() + 1;
        while (performance.now() < end);
      },
      { chunk: 1 },
    ),
    (error: RangeError & { task: { index: number } }) => error.message === 'three' && error.task.index === 3,
  );
  await until(() => pool.stats().running === 0, 'nothing runs');
  assert.ok(ran[0]! < 200, `${ran[0]} ran`);
});

poolTest('generators in a map are read later, whole', {}, async (pool) => {
  const streams = await pool.map([2, 3], function* (n) {
    for (let i = 0; i < n; i++) yield n * 10 + i;
    if (n === 3) throw new RangeError('at its end');
  });
  assert.deepEqual(await collect(streams[0]!), [20, 21]);
  const seen: number[] = [];
  await assert.rejects(
    async () => {
      for await (const value of streams[1]!) seen.push(value);
    },
    { message: 'at its end' },
  );
  assert.deepEqual(seen, [30, 31, 32]);
});

threadPoolTest('a generator read half-way ends in its worker, and frees it', { workers: 1 }, async (pool) => {
  const ended = new Int32Array(new SharedArrayBuffer(4));
  const future = pool.run(function* () {
    try {
      for (let i = 0; ; i++) yield i;
    } finally {
      Atomics.add(ended, 0, 1);
    }
  });
  const values = await future;
  for (let i = 0; i < 40; i++) assert.deepEqual(await values.next(), { done: false, value: i });
  assert.equal(future.state, 'running');
  await values.return?.();
  assert.equal(future.state, 'cancelled');
  assert.equal(await within(5000, Promise.resolve(pool.run(() => 1)), 'the next'), 1);
  assert.equal(ended[0], 1, 'its finally ran');
  const late = pool.run(async function* () {
    yield 1;
    await new Promise(() => {});
  });
  const rest = await late;
  await rest.next();
  const waiting = rest.next();
  late.cancel(new RangeError('enough'));
  await assert.rejects(waiting, { message: 'enough' });
});

poolTest('a generator whose worker dies fails where it is read', { workers: 1 }, async (pool) => {
  const values = await pool.run(function* () {
    yield 1;
    yield 2;
    process.exit(4);
  });
  const seen: number[] = [];
  await assert.rejects(
    async () => {
      for await (const value of values) seen.push(value);
    },
    { code: 'SIMUL_WORKER_CRASHED', exitCode: 4 },
  );
  assert.deepEqual(seen, [1, 2]);
});

// ---- progress -------------------------------------------------------------------------------------------------

poolTest('progress is sane at every moment', { workers: 2 }, async (pool) => {
  const events: Progress[] = [];
  await pool.map(
    range(60),
    async (n) => {
      task().progress(1, 2);
      await new Promise((resolve) => setTimeout(resolve, 8));
      if (n % 10 === 9) throw new Error('ten');
    },
    { onProgress: (p) => events.push(p), onError: 'settle' },
  );
  assert.ok(events.length >= 3);
  let before = { done: 0, elapsed: 0, fraction: 0 };
  for (const event of events) {
    const { done, failed, total, fraction, running, workers, busy, elapsed, rate, remaining } = event;
    assert.equal(total, 60);
    assert.ok(done >= before.done && done <= 60 && failed <= done);
    assert.ok(elapsed >= before.elapsed);
    assert.ok(fraction !== undefined && fraction >= 0 && fraction <= 1);
    assert.ok(running >= 0 && running <= 60 - done);
    assert.ok(workers <= 2 && busy <= workers);
    assert.ok(rate >= 0 && Number.isFinite(rate));
    assert.ok(remaining === undefined || (remaining >= 0 && Number.isFinite(remaining)));
    before = { done, elapsed, fraction };
  }
  const last = events.at(-1)!;
  assert.deepEqual([last.done, last.failed, last.fraction, last.running, last.remaining], [60, 6, 1, 0, 0]);
  const perSecond = (60 / last.elapsed) * 1000;
  assert.ok(last.rate > perSecond / 3 && last.rate < perSecond * 3, `${last.rate} of ${perSecond}`);
});

poolTest('a worker with work ahead is busy, between two tasks too', { workers: 1 }, async (pool) => {
  const events: Progress[] = [];
  await pool.map(
    range(200),
    () => {
      const end = performance.now() + 3;
      while (performance.now() < end);
    },
    { chunk: 20, onProgress: (p) => events.push(p) },
  );
  // Each is told at the end of an item, before the next is known to have begun.
  const midst = events.filter(({ done }) => done > 0 && done % 20 !== 0);
  assert.ok(midst.length >= 3);
  for (const { done, busy } of midst) assert.equal(busy, 1, `after ${done}`);
  assert.equal(pool.stats().busy, 0);
});

for (const at of ['begin', 'end'] as const) {
  poolTest(`onProgress that throws at the ${at} rejects its operation and no more`, {}, async (pool) => {
    const onProgress = ({ done }: Progress): void => {
      if (at === 'begin' || done === 3) throw new RangeError('from onProgress');
    };
    const pause = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 60));
    await assert.rejects(pool.map([1, 2, 3], pause, { onProgress, chunk: 1 }), {
      message: 'from onProgress',
    });
    await assert.rejects(collect(pool.stream([1, 2, 3], pause, { onProgress, chunk: 1 })), {
      message: 'from onProgress',
    });
    assert.equal(await pool.run(() => 1), 1);
  });
}

threadPoolTest(
  'onProgress that throws while results come many at a time ends the operation',
  {},
  async (pool) => {
    const counts = new Int32Array(new SharedArrayBuffer(8));
    const count = (n: number): number => {
      Atomics.add(counts, 0, 1);
      const end = performance.now() + 0.05;
      while (performance.now() < end);
      return n;
    };
    const midst = { first: 0, calls: 0 };
    const onProgress = ({ done, total }: Progress): void => {
      midst.calls += 1;
      if (done === 0 || done === total) return;
      midst.first = done;
      throw new RangeError('from onProgress');
    };
    const runs: Record<string, () => Promise<unknown>> = {
      map: () => pool.map(range(40_000), count, { onProgress }),
      forEach: () => pool.forEach(range(40_000), count, { onProgress }),
      stream: async () => {
        const stream = pool.stream(range(40_000), count, { onProgress });
        try {
          for (;;) await stream.next();
        } catch (error) {
          assert.deepEqual(
            await stream.next(),
            { done: true, value: undefined },
            'nothing comes after the failure',
          );
          throw error;
        }
      },
    };
    for (const [name, run] of Object.entries(runs)) {
      Atomics.store(counts, 0, 0);
      Object.assign(midst, { first: 0, calls: 0 });
      await assert.rejects(within(20_000, run(), name), { message: 'from onProgress' });
      assert.ok(midst.first > 0, 'it was in the midst');
      const { calls } = midst;
      await until(() => pool.stats().running + pool.stats().queued === 0, 'the rest is gone');
      assert.ok(Atomics.load(counts, 0) < 40_000, `${name}: the rest did not run`);
      assert.equal(midst.calls, calls, 'nothing is reported any more');
    }
    assert.equal(await pool.run(() => 1), 1);
  },
);

poolTest('a stream that nobody reads does nothing', {}, async (pool) => {
  let events = 0;
  let read = 0;
  function* source(): Generator<number> {
    read += 1;
    yield 1;
  }
  pool.stream(source(), (n) => n, { onProgress: () => events++ });
  await new Promise((resolve) => setTimeout(resolve, 600));
  assert.deepEqual([events, read], [0, 0]);
});

poolTest('reduce reports progress in items', {}, async (pool) => {
  const events: Progress[] = [];
  const add = (a: number, b: number): number => a + b;
  await pool.reduce(range(1000), add, add, 0, { onProgress: (p) => events.push(p) });
  const last = events.at(-1)!;
  assert.deepEqual([last.done, last.total, last.fraction, last.running], [1000, 1000, 1, 0]);
});

poolTest('an error in reduce names the piece’s first item', {}, async (pool) => {
  const fail = (a: number, n: number): number => {
    if (n === 700) throw new RangeError('700');
    return a + n;
  };
  await assert.rejects(
    pool.reduce(range(1000), fail, (a, b) => a + b, 0, { chunk: 100 }),
    (error: RangeError & { task: { index: number } }) => error.task.index === 700,
  );
});

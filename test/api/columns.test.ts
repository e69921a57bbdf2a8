/** Items and results that are numbers travel as columns: nobody can tell but by the clock. */
import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { type MapOptions, Pool, task, WorkerCrashedError } from 'simul';
import { poolTest, script, within } from './support.js';

const range = (length: number): number[] => Array.from({ length }, (_, i) => i);
const SHIPPED: MapOptions = { inline: false };

async function collect(stream: AsyncIterable<unknown>): Promise<unknown[]> {
  const all: unknown[] = [];
  for await (const each of stream) all.push(each);
  return all;
}

function same(actual: readonly unknown[], expected: readonly unknown[]): void {
  assert.equal(actual.length, expected.length);
  for (let i = 0; i < expected.length; i++) {
    assert.ok(i in actual, `result ${i} is there`);
    if (typeof expected[i] === 'object') assert.deepEqual(actual[i], expected[i]);
    else assert.ok(Object.is(actual[i], expected[i]), `result ${i}: ${String(actual[i])}`);
  }
}

const value = fc.oneof(
  { weight: 6, arbitrary: fc.integer() },
  { weight: 4, arbitrary: fc.double() },
  fc.constantFrom<unknown>(-0, 0, 2 ** 31, -(2 ** 31), 2 ** 31 - 1, Number.NaN, Number.MAX_VALUE),
  fc.constantFrom<unknown>(undefined, null, true, '', 'text', 10n, { a: 1 }, [1, 2]),
);
/** Runs of values of a kind, as inputs have them, and mixed ones. */
const values = fc
  .array(fc.oneof(fc.array(fc.integer(), { maxLength: 40 }), fc.array(value, { maxLength: 40 })), {
    maxLength: 6,
  })
  .map((runs) => runs.flat());

test('any mixture of values comes and goes as it is', { timeout: 120_000 }, async () => {
  const pool = new Pool({ workers: 2 });
  await fc.assert(
    fc.asyncProperty(values, fc.option(fc.integer({ min: 1, max: 70 })), async (items, chunk) => {
      const options: MapOptions = chunk === null ? SHIPPED : { chunk };
      const [mapped, read, settled, streamed] = await Promise.all([
        pool.map(items, (item) => item, options),
        pool.map(items.values(), (item) => item, options),
        pool.map(items, (item) => item, { ...options, onError: 'settle' }),
        collect(pool.stream(items, (item) => item, options)),
      ]);
      same(mapped, items);
      same(read, items);
      same(streamed, items);
      assert.ok(settled.every(({ status }) => status === 'fulfilled'));
      same(
        settled.map((result) => (result.status === 'fulfilled' ? result.value : undefined)),
        items,
      );
    }),
    { numRuns: 60 },
  );
  await pool.close();
});

poolTest('results of every kind between numbers', {}, async (pool) => {
  const items = range(30_000);
  const kinds = (n: number): unknown => {
    if (n % 997 === 5) return 'text';
    if (n % 1009 === 6) return undefined;
    if (n % 2003 === 7) return { n };
    if (n > 12_000 && n < 12_100) return `${n}`;
    return n > 20_000 ? n / 4 : n;
  };
  for (const chunk of [1000, 30_000]) same(await pool.map(items, kinds, { chunk }), items.map(kinds));
  const alternating = (n: number): unknown => (n % 2 === 0 ? n : `${n}`);
  same(await pool.map(items, alternating, { chunk: 10_000 }), items.map(alternating));
});

poolTest('errors and promises between numbers', {}, async (pool) => {
  const items = range(5000);
  const results = await pool.map(
    items,
    (n) => {
      if (n % 500 === 3) throw new RangeError(`no ${n}`);
      return n % 700 === 9 ? Promise.resolve(-n) : n;
    },
    { chunk: 1000, onError: 'settle' },
  );
  for (const n of items) {
    const result = results[n]!;
    if (n % 500 === 3) {
      assert.ok(result.status === 'rejected' && result.reason instanceof RangeError);
      const { message, task: origin } = result.reason as RangeError & { task: { index: number } };
      assert.deepEqual([message, origin.index], [`no ${n}`, n]);
    } else assert.deepEqual(result, { status: 'fulfilled', value: n % 700 === 9 ? -n : n });
  }
  same(await pool.map(items, async (n) => n, { chunk: 1000 }), items);
});

poolTest('retries run what failed again, and nothing else', {}, async (pool) => {
  const runs = new Int32Array(new SharedArrayBuffer(4 * 1000));
  const results = await pool.map(
    range(1000),
    (n) => {
      Atomics.add(runs, n, 1);
      if (n % 100 === 50 && task().attempt < 3) throw new Error('once more');
      return n;
    },
    { chunk: 300, retries: 2 },
  );
  same(results, range(1000));
  for (const [n, count] of runs.entries()) assert.equal(count, n % 100 === 50 ? 3 : 1, `item ${n}`);
});

poolTest('of a worker that dies, what was over keeps its result, and the rest moves', {}, async (pool) => {
  const length = 3000;
  const runs = new Int32Array(new SharedArrayBuffer(4 * length));
  for (const nothing of [false, true]) {
    runs.fill(0);
    const results = await pool.map(
      range(length),
      (n) => {
        Atomics.add(runs, n, 1);
        if (n % 700 === 350) process.exit(1);
        return nothing ? undefined : n;
      },
      { chunk: 1000, onError: 'settle' },
    );
    for (const [n, result] of results.entries()) {
      assert.equal(runs[n], 1, `item ${n} ran ${runs[n]} times`);
      if (n % 700 !== 350) assert.deepEqual(result, { status: 'fulfilled', value: nothing ? undefined : n });
      else assert.ok(result.status === 'rejected' && result.reason instanceof WorkerCrashedError);
    }
  }
});

poolTest('a crash is retried where retries say so, its neighbours are not', {}, async (pool) => {
  const runs = new Int32Array(new SharedArrayBuffer(4 * 100));
  const results = await pool.map(
    range(100),
    (n) => {
      Atomics.add(runs, n, 1);
      if (n === 42 && task().attempt === 1) process.exit(1);
      return n;
    },
    { chunk: 100, retries: 1 },
  );
  same(results, range(100));
  assert.deepEqual(
    [...runs.entries()].filter(([, count]) => count !== 1),
    [[42, 2]],
  );
});

poolTest('a result is not held back by the item after it', { workers: 1 }, async (pool) => {
  const flags = new Int32Array(new SharedArrayBuffer(8));
  const stream = pool.stream(
    range(3),
    (n) => {
      // Ends once this item's predecessor has been read.
      while (Atomics.load(flags, 0) < n) Atomics.wait(flags, 1, 0, 1);
      return n;
    },
    { chunk: 3 },
  );
  const read: number[] = [];
  await within(
    10_000,
    (async () => {
      for await (const n of stream) {
        read.push(n);
        Atomics.store(flags, 0, n + 1);
      }
    })(),
    'the stream',
  );
  assert.deepEqual(read, [0, 1, 2]);
});

poolTest('an idle worker takes what stands behind a slow item', {}, async (pool) => {
  const ran = new Int32Array(new SharedArrayBuffer(4));
  const results = await within(
    20_000,
    pool.map(
      range(1000),
      (n) => {
        // The first one ends when all others have.
        if (n === 0) while (Atomics.load(ran, 0) < 999) Atomics.wait(ran, 0, Atomics.load(ran, 0), 1);
        else Atomics.add(ran, 0, 1);
        return n;
      },
      { chunk: 1000 },
    ),
    'the map',
  );
  same(results, range(1000));
});

poolTest('task() is that of the item that asks', {}, async (pool) => {
  const items = range(500).map((n) => n * 2);
  const ask = (item: number, index: number): unknown => {
    if (index % 3 === 0) return item;
    const { index: at, id, random, signal, attempt } = task();
    return [at, id.endsWith(`.${index}`), random(), signal.aborted, attempt];
  };
  const [once, cut] = await Promise.all([
    pool.map(items, ask, { seed: 7, chunk: 500 }),
    pool.map(items, ask, { seed: 7, chunk: 7 }),
  ]);
  const draws = new Set<unknown>();
  for (const [i, answer] of once.entries()) {
    if (i % 3 === 0) {
      assert.deepEqual([answer, cut[i]], [i * 2, i * 2]);
      continue;
    }
    const [at, named, draw, aborted, attempt] = answer as unknown[];
    assert.deepEqual([at, named, aborted, attempt], [i, true, false, 1]);
    assert.equal(draw, (cut[i] as unknown[])[2], 'the same stream however it is cut');
    draws.add(draw);
  }
  assert.equal(draws.size, once.length - Math.ceil(once.length / 3));
});

poolTest('forEach and into', {}, async (pool) => {
  const seen = new Int32Array(new SharedArrayBuffer(4 * 20_000));
  await pool.forEach(range(20_000), (n) => Atomics.add(seen, n, n + 1), SHIPPED);
  assert.ok(seen.every((count, n) => count === n + 1));
  const squares = new Float64Array(new SharedArrayBuffer(8 * 20_000));
  await pool.map(range(20_000), (n) => n * n, { into: squares });
  assert.ok(squares.every((square, n) => square === n * n));
});

poolTest('maps of numbers in tasks', {}, async (pool) => {
  const nested = await pool.run(async () => {
    const { map } = await import('simul');
    const items = Array.from({ length: 5000 }, (_, i) => i);
    const [numbers, mixed, nothing] = await Promise.all([
      map(items, (n) => n / 2),
      map(items, (n) => (n % 100 === 1 ? `${n}` : n)),
      map(items, () => undefined, { chunk: 900 }),
    ]);
    return { numbers, mixed, nothing };
  });
  same(
    nested.numbers,
    range(5000).map((n) => n / 2),
  );
  same(
    nested.mixed,
    range(5000).map((n) => (n % 100 === 1 ? `${n}` : n)),
  );
  same(nested.nothing, new Array(5000).fill(undefined));
});

poolTest('recycled workers', { maxTasksPerWorker: 700 }, async (pool) => {
  same(await pool.map(range(5000), (n) => n, { chunk: 1000 }), range(5000));
});

poolTest('typed arrays as input', {}, async (pool) => {
  same(await pool.map(Float64Array.of(0.5, -0, Number.NaN), (n) => n, SHIPPED), [0.5, -0, Number.NaN]);
  same(await pool.map(Uint32Array.of(1, 2 ** 32 - 1), (n) => n, SHIPPED), [1, 2 ** 32 - 1]);
  same(await pool.map(BigInt64Array.of(1n, -1n), (n) => n, SHIPPED), [1n, -1n]);
});

poolTest('each element of an input is read once', {}, async (pool) => {
  for (const odd of [7.5, 'text']) {
    let reads = 0;
    const items: unknown[] = range(20);
    Object.defineProperty(items, 10, {
      get: () => {
        reads += 1;
        return odd;
      },
    });
    same(
      await pool.map(items, (item) => item, SHIPPED),
      range(20).map((n) => (n === 10 ? odd : n)),
    );
    assert.equal(reads, 1);
  }
});

poolTest('an input that becomes longer or shorter while it is read', {}, async (pool) => {
  for (const change of [(items: number[]) => items.push(-1), (items: number[]) => items.splice(40_000)]) {
    const items = range(200_000);
    let changed = false;
    const results = await pool.map(items, (n) => n, {
      ...SHIPPED,
      window: 20_000,
      onProgress: () => {
        if (!changed) change(items);
        changed = true;
      },
    });
    assert.ok(results.length > 0);
    same(results, [...range(200_000), -1].slice(0, results.length));
  }
});

poolTest('values that are sent back mean what they say', {}, async (pool) => {
  // Integers that come first, then doubles, then something else: the array of results changes its form on the way.
  const items = range(60_000);
  const fn = (n: number): unknown => (n < 30_000 ? n : n < 59_000 ? n + 0.25 : [n]);
  same(await pool.map(items, fn, { chunk: 5000 }), items.map(fn));
  // The other way round, from an input whose length nobody knows.
  const back = (n: number): unknown => fn(59_999 - n);
  same(await pool.map(items.values(), back, { chunk: 5000 }), items.map(back));
});

test('arrays of numbers are such, whether or not it was known how many there would be', {
  timeout: 30_000,
}, async () => {
  const { stdout, stderr } = await script(
    `
      import { Pool } from 'simul';
      const pool = new Pool({ workers: 2 });
      const items = Array.from({ length: 20_000 }, (_, i) => i);
      // No clock cuts a column short: chunks are fixed, and each result may be waited for.
      const options = { chunk: 5000, onProgress: () => {} };
      for (const input of [() => items, () => items.values()]) {
        const whole = await pool.map(input(), (n) => n, options);
        const broken = await pool.map(input(), (n) => n + 0.5, options);
        const nothing = await pool.map(input(), () => undefined, options);
        const holes = [whole, broken, nothing].some((results) => %HasHoleyElements(results));
        console.log(%HasSmiElements(whole), %HasDoubleElements(broken), holes);
      }
      await pool.close();`,
    ['--allow-natives-syntax'],
  );
  assert.equal(stdout, 'true true false\ntrue true false\n', stderr);
});

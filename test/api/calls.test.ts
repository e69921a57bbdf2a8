import assert from 'node:assert/strict';
import test from 'node:test';
import { forEach, map, Pool, pool, reduce, run, stream, task, workerLocal } from 'simul';
import { kind, poolTest, threadPoolTest, threadTest, within } from './support.js';

test.after(() => pool().terminate());

test('run calls a function with its arguments somewhere else', async () => {
  const { threadId } = await import('node:worker_threads');
  const there = await run(
    async (a: number, b: number) => [a + b, (await import('node:worker_threads')).threadId],
    1,
    2,
  );
  assert.equal(there[0], 3);
  assert.notEqual(there[1], threadId);
});

test('map gives results in order for arrays, iterables and async iterables', async () => {
  const factor = 3;
  const expected = Array.from({ length: 1000 }, (_, i) => i * factor + i);
  const items = Array.from({ length: 1000 }, (_, i) => i);
  assert.deepEqual(await map(items, (n, i) => n * factor + i), expected);
  assert.deepEqual(await map(new Set(items), (n, i) => n * factor + i), expected);
  async function* source(): AsyncGenerator<number> {
    for (const n of items) {
      if (n % 100 === 0) await new Promise((resolve) => setImmediate(resolve));
      yield n;
    }
  }
  assert.deepEqual(await map(source(), (n, i) => n * factor + i), expected);
  assert.deepEqual(await map([], (n) => n), []);
});

test('map with fixed chunks equals the loop', async () => {
  const items = Array.from({ length: 101 }, (_, i) => i);
  for (const chunk of [1, 6, 40, 101, 500]) {
    assert.deepEqual(
      await map(items, (n) => n * n, { chunk }),
      items.map((n) => n * n),
    );
  }
});

test('stream is lazy, bounded, ordered, and ends when its reader leaves', async () => {
  let read = 0;
  let ended = false;
  function* endless(): Generator<number> {
    try {
      for (;;) yield read++;
    } finally {
      ended = true;
    }
  }
  const seen: number[] = [];
  for await (const value of stream(endless(), (n) => n * 2, { window: 20 })) {
    seen.push(value);
    assert.ok(read - seen.length <= 20, `${read} read, ${seen.length} seen`);
    if (seen.length === 100) break;
  }
  assert.deepEqual(
    seen,
    Array.from({ length: 100 }, (_, i) => i * 2),
  );
  assert.ok(ended);
});

test('a slow reader holds the source back', async () => {
  let read = 0;
  function* source(): Generator<number> {
    while (read < 200) yield read++;
  }
  let seen = 0;
  for await (const _ of stream(source(), (n) => n, { window: 10 })) {
    seen += 1;
    if (seen % 20 === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    assert.ok(read <= seen + 10);
  }
  assert.equal(seen, 200);
});

test('unordered streams give the fastest first', async () => {
  const order: number[] = [];
  const wait = (n: number) => new Promise((resolve) => setTimeout(() => resolve(n), n === 0 ? 300 : 1));
  const two = new Pool({ kind, workers: 2 });
  // A worker that is still starting takes nothing over.
  await two.each(() => 0);
  for await (const value of two.stream([0, 1, 2, 3, 4, 5], (n) => wait(n), { ordered: false, chunk: 1 })) {
    order.push(value as number);
  }
  assert.equal(order.at(-1), 0);
  assert.deepEqual([...order].sort(), [0, 1, 2, 3, 4, 5]);
  await two.close();
});

threadTest('forEach runs for every item and gives nothing back', async () => {
  const words = new Int32Array(new SharedArrayBuffer(4));
  assert.equal(await forEach([1, 2, 3, 4], (n) => Atomics.add(words, 0, n)), undefined);
  assert.equal(words[0], 10);
});

test('reduce folds in pieces, in order', async () => {
  const items = Array.from({ length: 1000 }, (_, i) => i);
  assert.equal(
    await reduce(
      items,
      (a, n) => a + n,
      (a, b) => a + b,
      0,
    ),
    499_500,
  );
  const words = await reduce(
    'the order is kept here'.split(' '),
    (a: string[], word) => [...a, word],
    (a, b) => [...a, ...b],
    [],
  );
  assert.deepEqual(words, ['the', 'order', 'is', 'kept', 'here']);
  assert.equal(
    await reduce(
      [],
      (a: number) => a,
      (a, b) => a + b,
      7,
    ),
    7,
  );
});

threadTest('generator tasks are read as async iterables, with backpressure', async () => {
  const counter = new Int32Array(new SharedArrayBuffer(4));
  const numbers = run(function* (n: number) {
    for (let i = 0; i < n; i++) {
      Atomics.store(counter, 0, i);
      yield i;
    }
  }, 1000);
  const seen: number[] = [];
  for await (const n of numbers) {
    seen.push(n);
    assert.ok(Atomics.load(counter, 0) - n <= 40);
    if (seen.length === 100) break;
  }
  assert.deepEqual(
    seen,
    Array.from({ length: 100 }, (_, i) => i),
  );
  const letters: string[] = [];
  for await (const letter of await run(async function* () {
    yield 'a';
    yield 'b';
  })) {
    letters.push(letter);
  }
  assert.deepEqual(letters, ['a', 'b']);
  await assert.rejects(async () => {
    for await (const _ of run(function* () {
      yield 1;
      throw new RangeError('mid-way');
    })) {
      // Reads on until the error.
    }
  }, RangeError);
});

test('nested calls share the pool and cannot deadlock', async () => {
  const sums = await within(
    20_000,
    map([1, 2, 3, 4, 5, 6], async (n) => {
      const inner = await map([1, 2, 3], async (m) => (await run((a: number, b: number) => a * b, n, m)) + 1);
      return inner.reduce((a, b) => a + b);
    }),
    'nesting',
  );
  assert.deepEqual(
    sums,
    [1, 2, 3, 4, 5, 6].map((n) => n * 6 + 3),
  );
});

test('the same seed gives the same numbers, whatever runs them', async () => {
  const draw = (one: Pool, chunk: number): Promise<number[]> =>
    one.map(Array.from({ length: 50 }), () => task().random(), { seed: 42, chunk });
  const one = new Pool({ kind, workers: 1 });
  const three = new Pool({ kind, workers: 3 });
  const a = await draw(one, 50);
  const b = await draw(three, 3);
  assert.deepEqual(a, b);
  assert.equal(new Set(a).size, 50);
  await Promise.all([one.close(), three.close()]);
});

test('task() says who and where; outside a task it throws', async () => {
  const about = await map(['a', 'b', 'c'], () => {
    const { index, attempt, worker, id } = task();
    return { index, attempt, worker, id };
  });
  assert.deepEqual(
    about.map(({ index }) => index),
    [0, 1, 2],
  );
  assert.ok(about.every(({ attempt, worker }) => attempt === 1 && worker >= 0));
  assert.equal(new Set(about.map(({ id }) => id)).size, 3);
  assert.throws(() => task(), { code: 'SIMUL_NO_TASK' });
});

poolTest('progress counts up and ends complete', {}, async (pool) => {
  const events: { done: number; total: number | undefined; rate: number }[] = [];
  await pool.map(
    Array.from({ length: 40 }, (_, i) => i),
    () => new Promise((resolve) => setTimeout(resolve, 10)),
    { onProgress: (p) => events.push(p) },
  );
  assert.ok(events.length >= 2);
  assert.ok(events.every((event, i) => i === 0 || event.done >= events[i - 1]!.done));
  assert.equal(events.at(-1)!.done, 40);
  assert.equal(events.at(-1)!.total, 40);
  assert.ok(events.at(-1)!.rate > 0);
});

threadPoolTest('a worker-local value is made once a worker and disposed of at the end', {}, async (pool) => {
  const counts = new Int32Array(new SharedArrayBuffer(8));
  const local = workerLocal(() => {
    Atomics.add(counts, 0, 1);
    return { n: 0, close: () => Atomics.add(counts, 1, 1) };
  });
  await pool.map(Array.from({ length: 100 }), () => {
    local().n += 1;
  });
  await pool.each(() => local().n);
  assert.equal(Atomics.load(counts, 0), 2);
  await pool.close();
  assert.equal(Atomics.load(counts, 1), 2);
});

poolTest('each runs once on every worker, worker(i) on one', { workers: 3 }, async (pool) => {
  const ids = await pool.each(() => task().worker);
  assert.deepEqual(ids, [0, 1, 2]);
  const one = await pool.worker(1).map([1, 2, 3, 4], () => task().worker);
  assert.deepEqual(one, [1, 1, 1, 1]);
  await assert.rejects(async () => pool.worker(3), { code: 'SIMUL_INVALID_OPTION' });
});

poolTest('each operation has a copy of its own on each worker', { workers: 1 }, async (pool) => {
  const box = { n: 0 };
  const count = (): number => ++box.n;
  for (let i = 0; i < 4; i++) assert.equal(await pool.run(count), 1);
  assert.deepEqual(await pool.map([0, 0, 0], count, { chunk: 1 }), [1, 2, 3]);
  assert.deepEqual(await pool.map([0, 0], count, { chunk: 1 }), [1, 2]);
  assert.equal(box.n, 0);
});

poolTest(
  'init runs once in each worker, before its tasks',
  {
    workers: 2,
    init: () => {
      (globalThis as Record<string, unknown>)['ready'] = 1;
    },
  },
  async (pool) => {
    assert.deepEqual(await pool.each(() => (globalThis as Record<string, unknown>)['ready']), [1, 1]);
  },
);

test('a failing init fails the tasks, saying why', async () => {
  const pool = new Pool({
    kind,
    workers: 1,
    init: () => {
      throw new RangeError('no model here');
    },
  });
  await assert.rejects(
    pool.run(() => 1),
    /no model here/,
  );
  await pool.terminate();
});

poolTest('await keeps the caller’s async context', {}, async (pool) => {
  const { AsyncLocalStorage } = await import('node:async_hooks');
  const storage = new AsyncLocalStorage<number>();
  await storage.run(7, async () => {
    await pool.run(() => 1);
    assert.equal(storage.getStore(), 7);
  });
});

test('options that are unknown or out of range are refused by name', async () => {
  assert.throws(() => new Pool({ wrokers: 2 } as object), /no option "wrokers"/);
  assert.throws(() => new Pool({ kind, workers: 0 }), /"workers" must be a positive integer, not 0/);
  await assert.rejects(
    map([1], (n) => n, { chunk: -1 }),
    /"chunk"/,
  );
  await assert.rejects(
    map([1], (n) => n, { nope: 1 } as object),
    /no option "nope"/,
  );
  await assert.rejects(
    map(5 as never, (n) => n),
    /iterable/,
  );
  await assert.rejects(map([1], 5 as never), /function/);
  await assert.rejects(async () => {
    for await (const _ of stream([1], (n) => n, { window: 0 })) {
      // Never reached.
    }
  }, /"window"/);
});

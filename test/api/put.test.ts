/** `put`: a value is kept once, arrives as itself, and stays a ref where it is a part of something. */
import assert from 'node:assert/strict';
import test from 'node:test';
import {
  map,
  ObjectLostError,
  Pool,
  PoolClosedError,
  put,
  type Ref,
  run,
  SerializationError,
  shared,
  task,
  transfer,
} from 'simul';
import { kind, poolTest, threadPoolTest, until } from './support.js';

interface Row {
  id: number;
  tags: string[];
}
const makeRows = (): Row[] => Array.from({ length: 100 }, (_, id) => ({ id, tags: [`t${id}`] }));

poolTest('as an argument it is the value, of every kind', {}, async (pool) => {
  const values: unknown[] = [
    makeRows(),
    5,
    'text',
    'ü€'.repeat(100_000),
    undefined,
    null,
    10n ** 40n,
    new Map([['a', new Set([1])]]),
    new Date(5),
    Object.assign(Object.create(null), { a: 1 }),
    Object.assign([1.5, 2.5], { 3: 3.5 }),
    new Error('kept'),
    [],
  ];
  for (const value of values) {
    const ref = await pool.put(value);
    assert.deepEqual(await pool.run((given: unknown) => given, ref), value);
    assert.deepEqual(await ref.get(), value);
    ref.free();
  }
  const rows = await pool.put(makeRows());
  assert.equal(await pool.run((first, list, last) => first + list[9]!.id + last, 1, rows, 2), 12);
  const double = await pool.put((n: number) => n * 2);
  assert.equal(await pool.run((fn, n) => fn(n), double, 21), 42);
});

poolTest('a task works on a copy; one ref given twice is one value there', {}, async (pool) => {
  const rows = makeRows();
  const ref = await pool.put(rows);
  rows[0]!.id = 1000;
  const spoil = (list: Row[]): number => {
    const before = list[0]!.id;
    list[0]!.id = 7;
    list.length = 1;
    return before;
  };
  assert.deepEqual(
    await Promise.all(Array.from({ length: 20 }, () => pool.run(spoil, ref))),
    Array(20).fill(0),
  );
  assert.deepEqual(await pool.map(Array(50).fill(ref) as Ref<Row[]>[], spoil), Array(50).fill(0));
  assert.ok(await pool.run((a, b) => a === b, ref, ref));
  const number = await pool.put(3);
  assert.deepEqual(await pool.run((a, b) => [a, b], number, number), [3, 3]);
  const mine = await ref.get();
  mine[0]!.id = 8;
  assert.equal((await ref.get())[0]!.id, 0);
});

poolTest('items of map, forEach, stream and reduce, and arguments of each', { workers: 3 }, async (pool) => {
  const refs = await Promise.all([1, 2, 3].map((n) => pool.put({ n })));
  assert.deepEqual(
    await pool.map([...refs, { n: 4 }], (item, index) => item.n * 10 + index),
    [10, 21, 32, 43],
  );
  async function* later(): AsyncGenerator<Ref<{ n: number }>> {
    yield* refs;
  }
  const seen: number[] = [];
  for await (const n of pool.stream(later(), (item) => item.n)) seen.push(n);
  assert.deepEqual(seen, [1, 2, 3]);
  if (kind === 'thread') {
    const total = shared(Int32Array, 1);
    await pool.forEach(refs, ({ n }) => void Atomics.add(total, 0, n));
    assert.equal(total[0], 6);
  }
  assert.equal(
    await pool.reduce(
      refs,
      (sum, { n }) => sum + n,
      (a, b) => a + b,
      0,
    ),
    6,
  );
  assert.deepEqual(await pool.each(({ n }) => [n, task().worker], refs[1]!), [
    [2, 0],
    [2, 1],
    [2, 2],
  ]);
});

poolTest('inside data and in closures it stays a ref, and get works there', {}, async (pool) => {
  const ref = await pool.put(makeRows());
  const data = { list: [ref], map: new Map([['a', ref]]) };
  const ids = await pool.run(async ({ list, map: inMap }) => {
    const [first] = list as [Ref<Row[]>];
    if (first !== inMap.get('a')) throw new Error('two refs');
    const rows = await first.get();
    rows[1]!.id = 50;
    return [first.id, (await first.get())[1]!.id];
  }, data);
  assert.deepEqual(ids, [ref.id, 1]);
  assert.equal(await pool.run(async () => (await ref.get()).length), 100);
  const lengths = await pool.map([0, 1, 2, 3], async (i) => (await ref.get())[i]!.tags);
  assert.deepEqual(lengths, [['t0'], ['t1'], ['t2'], ['t3']]);
  // Both at once: the value where it is an argument, the ref where it is not.
  const both = await pool.run((rows, { ref: inside }) => [rows.length, typeof inside.get], ref, { ref });
  assert.deepEqual(both, [100, 'function']);
  const outer = await pool.put({ inner: ref });
  assert.equal(await pool.run(async ({ inner }) => (await inner.get()).length, outer), 100);
  assert.equal((await outer.get()).inner, ref);
});

threadPoolTest('get in a worker asks nobody: this thread does not even turn meanwhile', {}, async (pool) => {
  const ref = await pool.put(makeRows());
  const state = shared(Int32Array, 2);
  const call = pool.run(async () => {
    Atomics.store(state, 0, 1);
    const rows = await ref.get();
    Atomics.store(state, 1, rows.length);
    return rows.length;
  });
  await until(() => Atomics.load(state, 0) === 1, 'the task runs');
  const end = performance.now() + 10_000;
  while (Atomics.load(state, 1) === 0 && performance.now() < end);
  assert.equal(state[1], 100);
  assert.equal(await call, 100);
});

poolTest('classes: instances are of the class that the task and this thread know', {}, async (pool) => {
  class Point {
    static made = 0;
    constructor(
      readonly x: number,
      readonly y: number,
    ) {
      Point.made += 1;
    }
    get sum(): number {
      return this.x + this.y;
    }
  }
  const ref = await pool.put([new Point(1, 2), new Point(3, 4)]);
  assert.ok((await ref.get())[1] instanceof Point);
  const check = async (points: Point[]): Promise<unknown> => {
    const again = await ref.get();
    return [points[0] instanceof Point, again[0] instanceof Point, again[1]!.sum];
  };
  for (let i = 0; i < 3; i++) assert.deepEqual(await pool.run(check, ref), [true, true, 7]);
  assert.deepEqual(await pool.map([ref, ref], check), [
    [true, true, 7],
    [true, true, 7],
  ]);
  const back = await pool.run((points) => points[0]!, ref);
  assert.ok(back instanceof Point && back.sum === 3);
});

poolTest('refs come back as themselves, go on into calls of tasks, and are made there', {}, async (pool) => {
  const ref = await pool.put(makeRows());
  assert.equal(await pool.run((data) => data.ref, { ref }), ref);
  assert.deepEqual(await pool.map([{ ref }, { ref }], (data) => [data.ref]), [[ref], [ref]]);
  const nested = await pool.run(async () => {
    const count = await run((rows: Row[]) => rows.length, ref);
    const ids = await map([ref, ref], (rows) => rows[3]!.id);
    const inside = await run(async (data: { ref: Ref<Row[]> }) => (await data.ref.get()).length, { ref });
    return [count, ...ids, inside];
  });
  assert.deepEqual(nested, [100, 3, 3, 100]);
  const made = await pool.run(async (start) => {
    const ref = await put(Array.from({ length: 5 }, (_, i) => start + i));
    const sum = await run((list: number[]) => list.reduce((a, b) => a + b), ref);
    const again = await run((data: { ref: Ref<number[]> }) => data.ref, { ref });
    return { ref, sum, same: again === ref };
  }, 10);
  assert.deepEqual([made.sum, made.same], [60, true]);
  assert.deepEqual(await made.ref.get(), [10, 11, 12, 13, 14]);
  assert.equal(await pool.run((list) => list.length, made.ref), 5);
  assert.equal(pool.stats().refs, 2);
});

poolTest('in loops, yielded, thrown, and in what a worker begins with', { workers: 1 }, async (pool) => {
  const ref = await pool.put([1, 2, 3]);
  if (kind === 'thread') {
    const sums = shared(Int32Array, 10);
    await pool.forRange(10, async (from, to) => {
      const list = await ref.get();
      for (let i = from; i < to; i++) sums[i] = list[1]! * i;
    });
    assert.equal(sums[9], 18);
  }
  const seen: unknown[] = [];
  for await (const value of pool.run(function* () {
    yield ref;
    yield { ref };
  })) {
    seen.push(value);
  }
  assert.deepEqual(seen, [ref, { ref }]);
  assert.equal(seen[0], ref);
  await assert.rejects(
    pool.run(() => {
      throw Object.assign(new Error('with a ref'), { ref });
    }),
    (error: Error & { ref?: unknown }) => error.ref === ref,
  );
  const other = new Pool({
    workers: 1,
    kind,
    init: async () => {
      (globalThis as { begun?: number[] }).begun = await ref.get();
    },
  });
  try {
    assert.deepEqual(await other.run(() => (globalThis as { begun?: number[] }).begun), [1, 2, 3]);
  } finally {
    await other.close();
  }
});

poolTest('a ref outlives the worker it was made in, and those that used it', { workers: 1 }, async (pool) => {
  const made = await pool.run(async () => ({ ref: await put(makeRows()) }));
  const own = await pool.put(makeRows());
  const count = (a: Row[], b: Row[]): number => a.length + b.length;
  assert.equal(await pool.run(count, made.ref, own), 200);
  for (let i = 0; i < 3; i++) {
    await assert.rejects(
      pool.run((_a, _b) => process.exit(1), made.ref, own),
      { code: 'SIMUL_WORKER_CRASHED' },
    );
    assert.equal(await pool.run(count, made.ref, own), 200);
  }
  assert.equal((await made.ref.get()).length, 100);
});

poolTest('workers that are replaced after each task', { workers: 2, maxTasksPerWorker: 1 }, async (pool) => {
  const ref = await pool.put(makeRows());
  const calls = Array.from({ length: 6 }, (_, i) => pool.run((rows, at) => rows[at]!.id, ref, i));
  assert.deepEqual(await Promise.all(calls), [0, 1, 2, 3, 4, 5]);
});

// ---- the end of a ref -----------------------------------------------------------------------------------------

const lost = (ref: Ref<unknown>) => (error: Error) => {
  assert.ok(error instanceof ObjectLostError, String(error));
  assert.equal(error.code, 'SIMUL_OBJECT_LOST');
  assert.ok(error.message.includes(ref.id) && error.message.includes('freed'), error.message);
  return true;
};

poolTest('after free every use says so, wherever; to free again does nothing', {}, async (pool) => {
  const ref = await pool.put(makeRows());
  const data = { ref };
  assert.equal(await pool.run((rows) => rows.length, ref), 100);
  assert.deepEqual([pool.stats().refs, pool.stats().refBytes > 1000], [1, true]);
  ref.free();
  ref.free();
  assert.deepEqual([pool.stats().refs, pool.stats().refBytes], [0, 0]);
  await assert.rejects(ref.get(), lost(ref));
  await assert.rejects(
    pool.run((rows) => rows.length, ref),
    lost(ref),
  );
  await assert.rejects(
    pool.each((rows) => rows.length, ref),
    lost(ref),
  );
  await assert.rejects(
    pool.map([ref], (rows) => rows.length),
    lost(ref),
  );
  const settled = await pool.map([{ n: 1 }, ref as unknown as { n: number }], ({ n }) => n, {
    onError: 'settle',
  });
  assert.deepEqual(
    settled.map(({ status }) => status),
    ['fulfilled', 'rejected'],
  );
  await assert.rejects(
    pool.reduce(
      [ref],
      (n, rows) => n + rows.length,
      (a, b) => a + b,
      0,
    ),
    lost(ref),
  );
  // As a part of data it travels, and says so when it is asked.
  await assert.rejects(
    pool.run(({ ref }) => ref.get(), data),
    lost(ref),
  );
  await assert.rejects(
    pool.run(() => ref.get()),
    lost(ref),
  );
  assert.equal(await pool.run((data) => data.ref, data), ref);
});

poolTest('using', {}, async (pool) => {
  let kept: Ref<Row[]>;
  {
    using ref = await pool.put(makeRows());
    kept = ref;
    assert.equal(await pool.run((rows) => rows.length, ref), 100);
  }
  await assert.rejects(kept.get(), lost(kept));
});

threadPoolTest(
  'free while tasks run and wait: those have their value, also for another attempt',
  {},
  async (pool) => {
    const state = shared(Int32Array, 2);
    const big = new Float64Array(100_000).fill(3);
    const ref = await pool.put({ rows: makeRows(), big });
    const work = ({ rows, big }: { rows: Row[]; big: Float64Array }): number => {
      Atomics.add(state, 0, 1);
      while (Atomics.load(state, 1) === 0);
      return rows.length + big[99_999]!;
    };
    const calls = Array.from({ length: 8 }, () => pool.run(work, ref));
    const mapped = pool.map([ref, ref, ref], work);
    const again = pool.with({ retries: 1 }).run((value) => {
      if (task().attempt === 1) throw new Error('once');
      return value.rows.length;
    }, ref);
    await until(() => Atomics.load(state, 0) === 2, 'two run');
    ref.free();
    assert.equal(pool.stats().refs, 0);
    await new Promise((resolve) => setImmediate(resolve));
    Atomics.store(state, 1, 1);
    assert.deepEqual(await Promise.all(calls), Array(8).fill(103));
    assert.deepEqual(await mapped, [103, 103, 103]);
    assert.equal(await again, 100);
    await assert.rejects(pool.run(work, ref), lost(ref));
  },
);

poolTest('freed by a task: for all at once', {}, async (pool) => {
  const ref = await pool.put(makeRows());
  const other = await pool.put(1);
  await pool.worker(1).run(async () => (await ref.get()).length);
  await pool.worker(0).run(({ ref }) => ref.free(), { ref });
  await assert.rejects(ref.get(), lost(ref));
  await assert.rejects(
    pool.worker(1).run(() => ref.get()),
    lost(ref),
  );
  assert.equal(pool.stats().refs, 1);
  if (kind === 'process') return;
  // A task that holds one sees its end without hearing of it.
  const state = shared(Int32Array, 2);
  const call = pool.run(async () => {
    await other.get();
    Atomics.store(state, 0, 1);
    while (Atomics.load(state, 1) === 0);
    return other.get();
  });
  await until(() => Atomics.load(state, 0) === 1, 'it runs');
  other.free();
  Atomics.store(state, 1, 1);
  await assert.rejects(call, lost(other));
});

test('with its pool a ref ends: PoolClosedError, whoever uses it', { timeout: 30_000 }, async () => {
  for (const end of ['close', 'terminate'] as const) {
    const pool = new Pool({ workers: 1, kind });
    const other = new Pool({ workers: 1, kind });
    try {
      const ref = await pool.put(makeRows());
      assert.equal(await pool.run((rows) => rows.length, ref), 100);
      const made = await pool.run(async () => ({ ref: await put([1]) }));
      await pool[end]();
      for (const call of [
        ref.get(),
        made.ref.get(),
        pool.run((rows) => rows.length, ref),
        other.run((rows) => rows.length, ref),
        pool.put(1),
      ]) {
        await assert.rejects(call, PoolClosedError);
      }
      assert.deepEqual([pool.stats().refs, pool.stats().refBytes], [0, 0]);
      ref.free();
    } finally {
      await Promise.all([pool.terminate(), other.terminate()]);
    }
  }
});

test('a ref of another pool works, and ends with its own', { timeout: 30_000 }, async () => {
  const pool = new Pool({ workers: 1, kind });
  const other = new Pool({ workers: 2, kind });
  try {
    const ref = await pool.put(makeRows());
    for (let i = 0; i < 3; i++) assert.equal(await other.run((rows) => rows.length, ref), 100);
    assert.equal(await other.run(async ({ ref }) => (await ref.get()).length, { ref }), 100);
    assert.equal(await other.run((data) => data.ref, { ref }), ref);
    assert.deepEqual([pool.stats().refs, other.stats().refs], [1, 0]);
    await other.close();
    assert.equal((await ref.get()).length, 100);
    assert.equal(await pool.run((rows) => rows.length, ref), 100);
  } finally {
    await Promise.all([pool.terminate(), other.terminate()]);
  }
});

poolTest('what cannot travel is refused by put, with the path', {}, async (pool) => {
  await assert.rejects(pool.put({ list: [1, { cache: new WeakMap() }] }), (error: Error) => {
    assert.ok(error instanceof SerializationError, String(error));
    assert.match(error.message, /cannot send value → \.list\[1\]\.cache: it is a WeakMap/);
    return true;
  });
  assert.equal(pool.stats().refs, 0);
  const transferred = new Uint8Array(1000);
  structuredClone(transferred.buffer, { transfer: [transferred.buffer] });
  await assert.rejects(pool.put(transferred), SerializationError);
});

poolTest('transfer empties the arrays here', {}, async (pool) => {
  for (const length of [10, 200_000]) {
    const array = new Float64Array(length).fill(2);
    const ref = await pool.put(transfer({ array }));
    assert.equal(array.length, 0);
    assert.equal(await pool.run(({ array }) => array.length + array[length - 1]!, ref), length + 2);
  }
});

test('put of the default pool', async () => {
  using ref = await put({ a: 1 });
  assert.equal(await run((value) => value.a, ref), 1);
});

/** `transfer`: buffers move, once, and nothing is lost on the way. */
import assert from 'node:assert/strict';
import { map, shared, task, transfer } from 'simul';
import { poolTest, until } from './support.js';

interface Wasm {
  Memory: new (size: { initial: number }) => { buffer: ArrayBuffer };
}

/** Large enough to be fetched; and so small that it goes with the bytes. */
const SIZES = [64 * 1024, 1000, 3];
const filled = (length: number, value = 7): Float64Array => new Float64Array(length).fill(value);
const sum = (array: Float64Array): number => array.reduce((a, b) => a + b, 0);
const isEmpty = (array: ArrayBufferView): boolean => array.byteLength === 0 && array.buffer.byteLength === 0;

poolTest('arguments: the buffer is empty here as soon as the call is made', {}, async (pool) => {
  for (const size of SIZES) {
    const array = filled(size);
    const view = array.subarray(1);
    const call = pool.run(sum, transfer(array));
    assert.ok(isEmpty(array) && isEmpty(view));
    assert.equal(await call, 7 * size);
  }
});

poolTest('inside data: arrays, maps, sets, properties, instances, views of one buffer', {}, async (pool) => {
  class Image {
    pixels = new Uint8Array(300_000).fill(1);
  }
  const image = new Image();
  const array = filled(50_000);
  const rest = array.subarray(10);
  const inMap = filled(2000, 1);
  const bare = new ArrayBuffer(400_000);
  const kept = filled(40_000, 2);
  const data = transfer({ image, list: [array, [rest]], map: new Map([['a', new Set([inMap])]]), bare });
  const call = pool.run(
    ({ image, list, map, bare }, kept) => {
      const [array, [rest]] = list as [Float64Array, [Float64Array]];
      rest[0] = 0;
      const [inMap] = map.get('a')!;
      return [image.pixels.length, array.length, array[10], inMap![0], bare.byteLength, kept.length];
    },
    data,
    kept,
  );
  assert.ok([image.pixels, array, rest, inMap, new Uint8Array(0)].every(isEmpty));
  assert.equal(bare.byteLength, 0);
  assert.equal(kept[0], 2, 'what was not transferred stays');
  assert.deepEqual(await call, [300_000, 50_000, 0, 1, 400_000, 40_000]);
});

poolTest('items of a map, in small chunks and large, as they are read', {}, async (pool) => {
  for (const size of SIZES) {
    const arrays = Array.from({ length: 30 }, (_, i) => filled(size, i));
    function* items(): Generator<Float64Array | number> {
      for (const [i, array] of arrays.entries()) {
        yield i;
        yield transfer(array);
      }
    }
    const sums = await pool.map(items(), (item) => (typeof item === 'number' ? item : sum(item)), {
      chunk: 7,
    });
    assert.deepEqual(
      sums,
      arrays.flatMap((_, i) => [i, i * size]),
    );
    assert.ok(arrays.every(isEmpty));
  }
});

poolTest('results: returned, inside data, yielded, thrown', {}, async (pool) => {
  const moved = await pool.run(() => {
    const kept = new Float64Array(100_000).fill(3);
    setImmediate(() => console.log(kept.length));
    return transfer({ list: [kept], again: kept.subarray(1) });
  });
  assert.equal(moved.list[0]![99_999], 3);
  assert.equal(moved.again.buffer, moved.list[0]!.buffer);
  const lengths = pool.run(function* () {
    const array = new Float64Array(50_000);
    yield transfer(array);
    yield array.length;
  });
  const seen: unknown[] = [];
  for await (const value of lengths) seen.push(typeof value === 'number' ? value : value.length);
  assert.deepEqual(seen, [50_000, 0]);
  await assert.rejects(
    pool.run(() => {
      throw transfer(Object.assign(new Error('with data'), { data: new Uint8Array(100_000).fill(1) }));
    }),
    (error: Error & { data?: Uint8Array }) => error.data?.[99_999] === 1,
  );
});

poolTest('what a task kept of a result that it transferred is empty', { workers: 1 }, async (pool) => {
  const length = await pool.run(async () => {
    const { transfer } = await import('simul');
    const state = globalThis as { kept?: Float64Array };
    state.kept = new Float64Array(100_000);
    return transfer(state.kept);
  });
  assert.equal(length.length, 100_000);
  assert.equal(await pool.run(() => (globalThis as { kept?: Float64Array }).kept!.length), 0);
});

poolTest('a result that was not transferred stays as it is for its task', { workers: 1 }, async (pool) => {
  const make = (): Float64Array => {
    const state = globalThis as { mine?: Float64Array };
    state.mine ??= new Float64Array(100_000);
    state.mine[0]! += 1;
    return state.mine;
  };
  assert.equal((await pool.run(make))[0], 1);
  assert.equal((await pool.run(make))[0], 2);
});

poolTest(
  'a task whose bytes wait in front of a busy worker moves to another',
  { workers: 2 },
  async (pool) => {
    const go = shared(Int32Array, 1);
    const hold = (): void => {
      while (Atomics.load(go, 0) === 0);
    };
    const blocked = [pool.worker(0).run(hold), pool.worker(1).run(hold)];
    await until(() => pool.stats().running === 2, 'both workers are busy');
    const calls = Array.from({ length: 8 }, (_, i) =>
      pool.run((array) => array[0], transfer(filled(64 * 1024, i))),
    );
    await until(() => pool.stats().queued === 8, 'the others wait');
    Atomics.store(go, 0, 1);
    assert.deepEqual(await Promise.all(calls), [0, 1, 2, 3, 4, 5, 6, 7]);
    await Promise.all(blocked);
  },
);

poolTest(
  'a worker that dies takes the bytes of the task it ran, and no others',
  { workers: 1 },
  async (pool) => {
    const dying = pool.run((array) => process.exit(array.length > 0 ? 3 : 4), transfer(filled(64 * 1024)));
    const waiting = Array.from({ length: 4 }, (_, i) => pool.run(sum, transfer(filled(64 * 1024, i))));
    await assert.rejects(dying, { code: 'SIMUL_WORKER_CRASHED', exitCode: 3 });
    assert.deepEqual(
      await Promise.all(waiting),
      [0, 1, 2, 3].map((i) => i * 64 * 1024),
    );
  },
);

poolTest('retries: every attempt has the bytes, also after a crash', {}, async (pool) => {
  for (const size of SIZES) {
    const array = filled(size);
    const again = pool.with({ retries: 2 });
    const call = again.run((array) => {
      const { attempt } = task();
      if (array[0] !== 7) throw new TypeError('changed by the attempt before');
      array[0] = 8;
      if (attempt === 1) throw new Error('once');
      if (attempt === 2) process.exit(1);
      return array.length;
    }, transfer(array));
    assert.ok(isEmpty(array));
    assert.equal(await call, size);
    const arrays = Array.from({ length: 6 }, (_, i) => filled(size, i));
    const sums = await again.map(
      arrays.map((array) => transfer(array)),
      (array, index) => {
        if (task().attempt === 1 && index % 2 === 0) throw new Error('once');
        return sum(array);
      },
    );
    assert.deepEqual(
      sums,
      arrays.map((_, i) => i * size),
    );
  }
});

poolTest('calls inside tasks', {}, async (pool) => {
  for (const retries of [0, 1]) {
    const result = await pool.run(async (retries: number) => {
      const arrays = [1, 2, 3].map((value) => new Float64Array(64 * 1024).fill(value));
      const sums = await map(
        arrays.map((array) => transfer(array)),
        (array) => {
          if (task().attempt <= retries) throw new Error('once');
          return transfer(array.map((value) => 2 * value));
        },
        { retries },
      );
      return [...sums.map((array) => array[5]), ...arrays.map((array) => array.length)];
    }, retries);
    assert.deepEqual(result, [2, 4, 6, 0, 0, 0]);
  }
});

poolTest('a call given up while it waits or fetches leaves the pool sound', { workers: 1 }, async (pool) => {
  for (let i = 0; i < 20; i++) {
    const call = pool.run(sum, transfer(filled(64 * 1024)));
    if (i % 2 === 0) await new Promise((resolve) => setImmediate(resolve));
    call.cancel(new Error('given up'));
    await call.catch(() => {});
  }
  assert.equal(await pool.run(sum, transfer(filled(64 * 1024))), 7 * 64 * 1024);
});

poolTest('what cannot be moved is copied, and stays', {}, async (pool) => {
  const { Memory } = (globalThis as unknown as { WebAssembly: Wasm }).WebAssembly;
  const memory = new Memory({ initial: 8 });
  const wasm = new Uint8Array(memory.buffer);
  wasm[5] = 6;
  assert.equal(await pool.run((bytes) => bytes[5], transfer(wasm)), 6);
  assert.equal(wasm[5], 6);
  const small = Buffer.from('pool');
  const neighbour = Buffer.from('neighbour');
  assert.equal(await pool.run((bytes) => bytes.toString(), transfer(small)), 'pool');
  assert.deepEqual([small.toString(), neighbour.toString()], ['pool', 'neighbour']);
  const array = shared(Float64Array, 100_000);
  await pool.run((numbers) => {
    numbers[0] = 5;
  }, transfer(array));
  assert.equal(array[0], 5);
  // A captured variable goes to every worker that needs it.
  const captured = transfer(filled(100_000));
  assert.equal(await pool.run(() => captured.length), 100_000);
  assert.equal(captured.length, 100_000);
  for (const value of [5, 'text', null, undefined, { a: 1 }]) assert.equal(transfer(value), value);
});

poolTest('a buffer twice in one call arrives once; in two calls, the second is refused', {}, async (pool) => {
  const array = filled(64 * 1024);
  const same = await pool.run(
    (a, b, c) => a.buffer === b.buffer && a === c,
    array,
    transfer(array.subarray(1)),
    array,
  );
  assert.ok(same && isEmpty(array));
  await assert.rejects(pool.run(sum, array), { code: 'SIMUL_SERIALIZATION', message: /transferred away/ });
  const item = filled(10);
  await assert.rejects(pool.map([transfer(item), item], sum), (error: Error) =>
    /^cannot send item: .*transferred away/.test(error.message),
  );
});

poolTest('a call that cannot be sent takes nothing', {}, async (pool) => {
  const array = filled(64 * 1024);
  const loose = pool.run as (fn: unknown, ...args: unknown[]) => Promise<unknown>;
  await assert.rejects(loose.call(pool, sum, transfer(array), process.stdin), {
    code: 'SIMUL_SERIALIZATION',
  });
  assert.equal(array.length, 64 * 1024);
  const cyclic: { array: Float64Array; self?: object } = { array };
  cyclic.self = cyclic;
  assert.equal(await pool.run((data) => data.array.length, transfer(cyclic)), 64 * 1024);
  assert.ok(isEmpty(array));
});

/** Arrays in shared memory: the same memory wherever they arrive. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { InvalidOptionError, map, shared, task } from 'simul';
import { poolTest } from './support.js';

test('shared: zeros, values of every kind, and the type that was asked for', () => {
  for (const type of [
    Int8Array,
    Uint8Array,
    Uint8ClampedArray,
    Int16Array,
    Uint16Array,
    Int32Array,
    Uint32Array,
    Float32Array,
    Float64Array,
  ]) {
    const zeros = shared(type, 3);
    assert.ok(zeros instanceof type && zeros.buffer instanceof SharedArrayBuffer);
    assert.deepEqual([...zeros], [0, 0, 0]);
    assert.deepEqual([...shared(type, [1, 2, 3])], [1, 2, 3]);
    assert.deepEqual([...shared(type, new Set([4, 5]))], [4, 5]);
    assert.deepEqual([...shared(type, { length: 2, 0: 6, 1: 7 })], [6, 7]);
    assert.deepEqual([...shared(type, Float64Array.of(8, 9))], [8, 9]);
  }
  for (const type of [BigInt64Array, BigUint64Array]) {
    assert.deepEqual([...shared(type, 1)], [0n]);
    assert.deepEqual([...shared(type, [1n, 2n])], [1n, 2n]);
    assert.deepEqual([...shared(type, BigInt64Array.of(3n))], [3n]);
  }
  assert.equal(shared(Float64Array, 0).length, 0);
  assert.equal(shared(Float64Array, []).length, 0);
  const values = Float64Array.of(1);
  const copy = shared(Float64Array, values);
  values[0] = 2;
  assert.equal(copy[0], 1);
});

test('shared: what it refuses, and how', () => {
  const refused = (what: () => unknown, message: RegExp): void => {
    assert.throws(what, (error: Error) => {
      assert.ok(error instanceof InvalidOptionError, String(error));
      assert.match(error.message, message);
      return true;
    });
  };
  const loose = shared as (type: unknown, values?: unknown) => unknown;
  refused(() => loose(Array, 3), /constructor of typed arrays.*not Array$/);
  refused(() => loose(DataView, 3), /not DataView$/);
  refused(() => loose(Buffer, 3), /not /);
  const impostor = Object.defineProperty(class {}, 'name', { value: 'Float64Array' });
  refused(() => loose(impostor, 3), /not Float64Array$/);
  refused(() => loose(class Own extends Float64Array {}, 3), /not Own$/);
  refused(() => loose('f64', 3), /not "f64"$/);
  refused(() => loose(undefined, 3), /not undefined$/);
  refused(() => loose(Float64Array, -1), /integer, 0 or more, not -1$/);
  refused(() => loose(Float64Array, 1.5), /not 1.5$/);
  refused(() => loose(Float64Array, Number.NaN), /not NaN$/);
  refused(() => loose(Float64Array), /length or values.*not undefined$/);
  refused(() => loose(Float64Array, '12'), /not "12"$/);
  refused(() => loose(Float64Array, null), /not null$/);
  refused(() => loose(Float64Array, [1, '2']), /takes numbers; value 1 is "2"$/);
  refused(() => loose(Float64Array, Object.assign([1], { 2: 2 })), /value 1 is undefined$/);
  refused(() => loose(Float64Array, [1n]), /value 0 is 1n$/);
  refused(() => loose(BigInt64Array, [1]), /takes bigints; value 0 is 1$/);
  refused(() => loose(BigInt64Array, Float64Array.of(1)), /takes bigints, which a Float64Array has none of$/);
  refused(() => loose(Float64Array, 2 ** 50), /no room for a Float64Array of 1125899906842624 elements/);
});

poolTest(
  'the same memory: captured, in arguments, items and data, as other views, and back',
  {},
  async (pool) => {
    const numbers = shared(Int32Array, 64);
    const inside = { list: [numbers.subarray(8, 16)], view: new DataView(numbers.buffer, 4 * 16, 8) };
    const bytes = Buffer.from(numbers.buffer, 4 * 20, 4);
    await pool.run(() => {
      numbers[0] = 1;
      inside.list[0]![0] = 2;
      inside.view.setInt32(0, 3, true);
      bytes.writeInt32LE(4);
    });
    assert.deepEqual([numbers[0], numbers[8], numbers[16], numbers[20]], [1, 2, 3, 4]);
    await pool.run(
      (array, data, buffer) => {
        array[1] = 5;
        data.list[0]![1] = 6;
        data.view.setInt32(4, 7, true);
        buffer[0] = 8;
        // Views of one buffer are views of one buffer there too.
        if (array.buffer !== data.view.buffer) throw new Error('two buffers');
      },
      numbers,
      inside,
      bytes,
    );
    assert.deepEqual([numbers[1], numbers[9], numbers[17], numbers[20]], [5, 6, 7, 8]);
    await pool.map([numbers, numbers.subarray(2)], (array, index) => {
      array[30] = index + 1;
    });
    assert.deepEqual([numbers[30], numbers[32]], [1, 2]);
    const back = await pool.run((array) => ({ array, same: array.subarray(1) }), numbers);
    back.array[40] = 9;
    back.same[40] = 10;
    assert.deepEqual([numbers[40], numbers[41]], [9, 10]);
    const made = await pool.run(() => shared(Float64Array, [1, 2]));
    assert.ok(made.buffer instanceof SharedArrayBuffer);
    await pool.run(() => {
      made[0] = 3;
    });
    assert.equal(made[0], 3);
  },
);

poolTest('the same memory on every worker, and in calls inside tasks', { workers: 3 }, async (pool) => {
  const seen = shared(Int32Array, 3);
  await pool.each(() => {
    seen[task().worker] = 1;
  });
  assert.deepEqual([...seen], [1, 1, 1]);
  const nested = shared(Float64Array, 4);
  await pool.run(async () => {
    await map([0, 1, 2, 3], (i) => {
      nested[i] = i + 1;
    });
    if (nested[3] !== 4) throw new Error('the task sees what its own calls wrote');
  });
  assert.deepEqual([...nested], [1, 2, 3, 4]);
});

poolTest('a shared array outlives the worker that wrote it', {}, async (pool) => {
  const kept = shared(Int32Array, 1);
  await assert.rejects(
    pool.run(() => {
      kept[0] = 7;
      process.exit(1);
    }),
    { code: 'SIMUL_WORKER_CRASHED' },
  );
  assert.equal(kept[0], 7);
});

/** `map` with `into`: results in a typed array. */
import assert from 'node:assert/strict';
import { InvalidOptionError, shared } from 'simul';
import { poolTest } from './support.js';

const range = (n: number): number[] => Array.from({ length: n }, (_, i) => i);

poolTest('results are written where they belong, over shared memory or not', {}, async (pool) => {
  const items = range(5000);
  for (const into of [shared(Float64Array, 5000), new Float64Array(5000)]) {
    const result = await pool.map(items, (n) => n / 2, { into });
    assert.equal(result, into);
    assert.deepEqual(
      [...into],
      items.map((n) => n / 2),
    );
  }
  const later = shared(Int32Array, 100);
  await pool.map(
    range(100),
    async (n, index) => {
      if (n % 10 === 0) await new Promise((resolve) => setImmediate(resolve));
      return n + index;
    },
    { into: later },
  );
  assert.deepEqual(
    [...later],
    range(100).map((n) => 2 * n),
  );
  const bigs = new BigInt64Array(3);
  await pool.map([1, 2, 3], (n) => BigInt(n) ** 39n, { into: bigs });
  assert.deepEqual([...bigs], [1n, 2n ** 39n, 3n ** 39n]);
});

poolTest('a part of a larger array, and inputs without a length', {}, async (pool) => {
  const whole = shared(Uint8Array, 10).fill(9);
  await pool.map([1, 2, 3], (n) => n, { into: whole.subarray(4, 8) });
  assert.deepEqual([...whole], [9, 9, 9, 9, 1, 2, 3, 9, 9, 9]);
  const own = new Float32Array(4).fill(9);
  async function* source(): AsyncGenerator<number> {
    yield* [1, 2, 3];
  }
  await pool.map(source(), (n) => n, { into: own });
  assert.deepEqual([...own], [1, 2, 3, 9]);
  assert.equal((await pool.map([], (n: number) => n, { into: own })).length, 4);
});

poolTest('a shared array holds what was done before an error', {}, async (pool) => {
  const into = shared(Float64Array, 3);
  const failing = (n: number): number => {
    if (n === 2) throw new RangeError('two');
    return n + 1;
  };
  await assert.rejects(pool.worker(0).map([0, 1, 2], failing, { into, chunk: 3 }), RangeError);
  assert.deepEqual([...into], [1, 2, 0]);
});

poolTest('another attempt writes what the first did not', {}, async (pool) => {
  const tries = shared(Int32Array, 50);
  const into = new Float64Array(50);
  await pool.map(
    range(50),
    (n) => {
      tries[n]! += 1;
      if (n % 7 === 0 && tries[n] === 1) throw new Error('once');
      return n;
    },
    { into, retries: 1 },
  );
  assert.deepEqual([...into], range(50));
});

poolTest('what has no place is an error that names the item', {}, async (pool) => {
  const into = shared(Float64Array, 4);
  const loose = (fn: (n: number) => unknown) => fn as (n: number) => number;
  const fails = async (
    fn: (n: number) => unknown,
    message: RegExp,
    array: Float64Array | BigInt64Array = into,
  ) => {
    await assert.rejects(
      pool.map([0, 1, 2], loose(fn), { into: array as Float64Array }),
      (error: Error & { task?: { index: number } }) => {
        assert.ok(error instanceof TypeError, String(error));
        assert.match(error.message, message);
        assert.equal(error.task?.index, 1);
        return true;
      },
    );
  };
  await fails(
    (n) => (n === 1 ? 'one' : n),
    /^the result of item 1 is a string, and "into" takes numbers only$/,
  );
  await fails((n) => (n === 1 ? undefined : n), /item 1 is undefined/);
  await fails((n) => (n === 1 ? null : n), /item 1 is null/);
  await fails((n) => (n === 1 ? [n] : n), /item 1 is an array/);
  await fails(async (n) => (n === 1 ? 1n : n), /item 1 is a bigint/);
  await fails(
    (n) => (n === 1 ? 1 : BigInt(n)),
    /item 1 is a number, and "into" takes bigints only/,
    new BigInt64Array(3),
  );
  await assert.rejects(
    pool.map(new Set([1, 2, 3, 4, 5]).values(), (n) => n, { into }),
    (error: Error) =>
      error instanceof RangeError && /item 4 has no place in "into", whose length is 4/.test(error.message),
  );
});

poolTest('options that do not go together are refused', {}, async (pool) => {
  const into = new Float64Array(2);
  const refused = (promise: Promise<unknown>, message: RegExp) =>
    assert.rejects(
      promise,
      (error: Error) => error instanceof InvalidOptionError && message.test(error.message),
    );
  await refused(
    pool.map([1, 2, 3], (n) => n, { into }),
    /"into" has 2 elements, too few for the results of 3 items/,
  );
  await refused(
    pool.map([1], (n) => n, { into, onError: 'settle' }),
    /"into" goes with onError "abort"/,
  );
  await refused(
    pool.map([1], (n) => n, { into: [] as unknown as Float64Array }),
    /"into" must be a typed array/,
  );
  await refused(
    pool.forEach([1], (n) => n, { into }),
    /forEach: option "into" is for map/,
  );
});

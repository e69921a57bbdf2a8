/** One large array as an argument of many calls: each task has its copy, of what it held when the call was made. */
import assert from 'node:assert/strict';
import { poolTest } from './support.js';

poolTest('tasks that write to it do not see each other, nor does this thread', {}, async (pool) => {
  const array = new Float64Array(100_000).fill(1);
  const spoil = (given: Float64Array, by: number): number => {
    const before = given[0]! + given[99_999]!;
    given.fill(by);
    return before;
  };
  const calls = Array.from({ length: 40 }, (_, i) => pool.run(spoil, array, i + 5));
  assert.deepEqual(await Promise.all(calls), Array(40).fill(2));
  assert.deepEqual(await pool.map(Array(20).fill(array) as Float64Array[], spoil), Array(20).fill(2));
  assert.ok(array.every((value) => value === 1));
});

poolTest('what changes between calls is as it was at each', {}, async (pool) => {
  const array = new Float64Array(50_000);
  const calls: PromiseLike<number>[] = [];
  for (let i = 0; i < 60; i++) {
    if (i % 3 !== 0) array[i * 700] = i;
    calls.push(pool.run((given) => given.reduce((a, b) => a + b, 0), array));
  }
  let sum = 0;
  const expected = Array.from({ length: 60 }, (_, i) => {
    sum += i % 3 === 0 ? 0 : i;
    return sum;
  });
  assert.deepEqual(await Promise.all(calls), expected);
});

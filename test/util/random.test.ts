import assert from 'node:assert/strict';
import test from 'node:test';
import { createRandom, philox } from '#simul/util/random/index.js';

const block = (c: number[], k: number[]): string[] => {
  const out = new Uint32Array(4);
  philox(c[0]!, c[1]!, c[2]!, c[3]!, k[0]!, k[1]!, out);
  return [...out].map((word) => word.toString(16).padStart(8, '0'));
};

test('the reference vectors of Random123 for philox4x32-10', () => {
  assert.deepEqual(block([0, 0, 0, 0], [0, 0]), ['6627e8d5', 'e169c58d', 'bc57ac4c', '9b00dbd8']);
  const ones = 0xffffffff;
  assert.deepEqual(block([ones, ones, ones, ones], [ones, ones]), [
    '408f276d',
    '41c83b0e',
    'a20bc7c6',
    '6d5451fd',
  ]);
  assert.deepEqual(block([0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344], [0xa4093822, 0x299f31d0]), [
    'd16cfe09',
    '94fdcceb',
    '5001e420',
    '24126ea1',
  ]);
});

test('numbers are uniform in [0, 1)', () => {
  const random = createRandom(1, 0);
  const bins = new Array<number>(100).fill(0);
  const n = 200_000;
  for (let i = 0; i < n; i++) {
    const x = random();
    assert.ok(x >= 0 && x < 1);
    bins[Math.floor(x * 100)]! += 1;
  }
  const chi = bins.reduce((sum, count) => sum + (count - n / 100) ** 2 / (n / 100), 0);
  // 99 degrees of freedom: beyond 160 has a chance of one in ten thousand. The seed is fixed.
  assert.ok(chi < 160, `chi-square ${chi}`);
});

function correlation(a: () => number, b: () => number): number {
  const n = 20_000;
  let sum = 0;
  for (let i = 0; i < n; i++) sum += (a() - 0.5) * (b() - 0.5);
  return (sum / n) * 12;
}

test('neighbouring streams and neighbouring seeds are independent', () => {
  for (let i = 0; i < 20; i++) {
    assert.ok(Math.abs(correlation(createRandom(7, i), createRandom(7, i + 1))) < 0.035);
    assert.ok(Math.abs(correlation(createRandom(i, 0), createRandom(i + 1, 0))) < 0.035);
  }
});

test('a stream depends on seed and index alone, also beyond 32 bits', () => {
  const draw = (seed: number, index: number): number[] =>
    Array.from({ length: 5 }, createRandom(seed, index));
  assert.deepEqual(draw(3, 9), draw(3, 9));
  assert.notDeepEqual(draw(3, 9), draw(3, 9 + 2 ** 32));
  assert.notDeepEqual(draw(3, 9), draw(4, 9));
  assert.deepEqual(draw(-0, 1), draw(0, 1));
});

test('int is whole, in range and even', () => {
  const random = createRandom(5, 0);
  const counts = new Map<number, number>();
  for (let i = 0; i < 60_000; i++) {
    const value = random.int(-2, 4);
    counts.set(value, (counts.get(value) ?? 0) + 1);
  }
  assert.deepEqual(
    [...counts.keys()].sort((a, b) => a - b),
    [-2, -1, 0, 1, 2, 3],
  );
  for (const count of counts.values()) assert.ok(Math.abs(count - 10_000) < 450);
  assert.equal(random.int(1), 0);
  assert.throws(() => random.int(0), RangeError);
  assert.throws(() => random.int(2.5), RangeError);
});

test('normal has the mean and deviation asked for', () => {
  const random = createRandom(11, 0);
  const values = Array.from({ length: 100_000 }, () => random.normal(10, 2));
  const mean = values.reduce((a, b) => a + b) / values.length;
  const variance = values.reduce((a, b) => a + (b - mean) ** 2, 0) / values.length;
  assert.ok(Math.abs(mean - 10) < 0.03);
  assert.ok(Math.abs(variance - 4) < 0.08);
});

test('shuffle copies and is fair; pick picks', () => {
  const random = createRandom(2, 0);
  const items = [1, 2, 3];
  const seen = new Map<string, number>();
  for (let i = 0; i < 12_000; i++) {
    const key = random.shuffle(items).join('');
    seen.set(key, (seen.get(key) ?? 0) + 1);
  }
  assert.deepEqual(items, [1, 2, 3]);
  assert.equal(seen.size, 6);
  for (const count of seen.values()) assert.ok(Math.abs(count - 2000) < 220);
  assert.ok(items.includes(random.pick(items)));
  assert.throws(() => random.pick([]), RangeError);
});

/** What is in flight, however much, leaves this thread's event loop its turns. */
import assert from 'node:assert/strict';
import { callsInFlight, holdsUpNobody } from './event-loop.js';
import { poolTest, warm } from './support.js';

/** ms by which 99 of 100 turns may be late. */
const LIMIT = 20;

poolTest('250,000 calls in flight do not hold up the event loop', {}, async (pool) => {
  await warm(pool, (n) => n + 1);
  await holdsUpNobody(LIMIT, () => callsInFlight(pool, 250_000));
});

// What each worker's results take of a turn adds up.
poolTest('nor do those of many workers', { workers: 8 }, async (pool) => {
  await warm(pool, (n) => n + 1);
  await holdsUpNobody(LIMIT, () => callsInFlight(pool, 100_000));
});

poolTest('maps, folds and streams of cheap items do not hold up the event loop', {}, async (pool) => {
  const count = 100_000;
  const items = Array.from({ length: count }, (_, n) => n);
  const total = (count * (count - 1)) / 2;
  await pool.map([1], (n) => n);
  await holdsUpNobody(LIMIT, async () => {
    const results = await pool.map(items, (n) => n * 2);
    assert.equal(results[count - 1], 2 * (count - 1));
    assert.equal(
      await pool.reduce(
        items,
        (a, n) => a + n,
        (a, b) => a + b,
        0,
      ),
      total,
    );
    let sum = 0;
    for await (const n of pool.stream(items, (n) => n)) sum += n;
    assert.equal(sum, total);
  });
});

poolTest(
  'nor does a map whose results come faster than they are taken, under a timeout',
  {},
  async (pool) => {
    const items = Array.from({ length: 300_000 }, (_, n) => n);
    await pool.map([1], (n) => n);
    await holdsUpNobody(LIMIT, async () => {
      await pool.map(items, (n) => n, { chunk: 150_000, timeout: 10_000 });
    });
  },
);

/** What is in flight, however much, leaves this thread's event loop its turns. */
import assert from 'node:assert/strict';
import type { Pool } from 'simul';
import { callsInFlight, holdsUpNobody } from './event-loop.js';
import { poolTest } from './support.js';

/** ms by which 99 of 100 turns may be late. */
const LIMIT = 20;

const count = 100_000;
const items = Array.from({ length: count }, (_, n) => n);
const total = (count * (count - 1)) / 2;

/** Before anything is measured: workers start, and the code that reads functions is loaded. */
const begin = async (pool: Pool): Promise<void> => {
  await pool.each(() => 1);
  await callsInFlight(pool, 5000);
};

poolTest('250,000 calls in flight do not hold up the event loop', {}, async (pool, t) => {
  await begin(pool);
  t.diagnostic(await holdsUpNobody(LIMIT, () => callsInFlight(pool, 250_000)));
});

// What each worker's results take of a turn adds up.
poolTest('nor do those of many workers', { workers: 8 }, async (pool, t) => {
  await begin(pool);
  t.diagnostic(await holdsUpNobody(LIMIT, () => callsInFlight(pool, 100_000)));
});

poolTest('maps, folds and streams of cheap items do not hold up the event loop', {}, async (pool, t) => {
  const work = async (): Promise<void> => {
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
  };
  await work();
  const said = await holdsUpNobody(LIMIT, async () => {
    for (let round = 0; round < 8; round++) await work();
  });
  t.diagnostic(said);
});

// The check of a timeout takes what has come first.
poolTest('nor does a map whose results come faster than they are taken', {}, async (pool, t) => {
  const work = async (): Promise<void> => {
    const results = await pool.map(items, (n) => n, { chunk: count / 2, timeout: 5000 });
    assert.equal(results.length, count);
  };
  await work();
  const said = await holdsUpNobody(LIMIT, async () => {
    for (let round = 0; round < 12; round++) await work();
  });
  t.diagnostic(said);
});

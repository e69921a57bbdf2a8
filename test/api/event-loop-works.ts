/** What is measured of the event loop, each by a program of its own. */
import assert from 'node:assert/strict';
import { Pool } from 'simul';
import { callsInFlight, holdsUpNobody } from './event-loop.js';

/** ms by which 99 of 100 turns may be late. */
const LIMIT = 20;

const count = 100_000;
const items = Array.from({ length: count }, (_, n) => n);
const total = (count * (count - 1)) / 2;

interface Work {
  readonly workers: number;
  run(pool: Pool, round: number): Promise<void>;
  /** In the measurement, enough for some hundred ticks: of few, the latest would be judged alone. One round goes before. */
  readonly rounds: number;
}

const calls = (workers: number, most: number, rounds = 1): Work => ({
  workers,
  rounds,
  run: (pool, round) => callsInFlight(pool, round === 0 ? 5000 : most),
});

const works = {
  calls: calls(2, 250_000),
  // What each worker's results take of a turn adds up.
  manyWorkers: calls(8, 100_000, 4),
  million: calls(2, 1_000_000),
  items: {
    workers: 2,
    rounds: 24,
    run: async (pool) => {
      const results = await pool.map(items, (n) => n * 2);
      assert.equal(results[count - 1], 2 * (count - 1));
      const add = (a: number, n: number): number => a + n;
      assert.equal(await pool.reduce(items, add, add, 0), total);
      let sum = 0;
      for await (const n of pool.stream(items, (n) => n)) sum += n;
      assert.equal(sum, total);
    },
  },
  // The check of a timeout takes first what has come.
  timeouts: {
    workers: 2,
    rounds: 40,
    run: async (pool) => {
      const results = await pool.map(items, (n) => n, { chunk: count / 2, timeout: 5000 });
      assert.equal(results.length, count);
    },
  },
} satisfies Record<string, Work>;

export async function measure(name: keyof typeof works): Promise<void> {
  const { workers, rounds, run }: Work = works[name];
  const pool = new Pool({ workers });
  await pool.each(() => 1);
  await run(pool, 0);
  const said = await holdsUpNobody(LIMIT, async () => {
    for (let round = 1; round <= rounds; round++) await run(pool, round);
  });
  await pool.close();
  console.log(said);
}

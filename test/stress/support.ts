/** What the stress tests share: a time budget, dice that can be thrown again, and what has to hold afterwards. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { Pool, type PoolOptions, SimulError } from 'simul';
import { within } from '../api/support.js';
import { numbers } from '../numbers.js';

/** Seconds for each file: two run at a time, so that all take ten minutes. */
const budget = Number(process.env['SIMUL_STRESS_SECONDS'] ?? 300);
const firstSeed = Number(process.env['SIMUL_STRESS_SEED'] ?? Date.now() % 1e9);

export interface Dice {
  /** An integer from 0 to `n - 1`. */
  below(n: number): number;
  /** True once in `n` times. */
  once(n: number): boolean;
  pick<T>(of: readonly T[]): T;
}

function diceOf(seed: number): Dice {
  const next = numbers(seed);
  const below = (n: number): number => Math.floor(next() * n);
  return { below, once: (n) => below(n) === 0, pick: (of) => of[below(of.length)]! };
}

/** Plays rounds, each with a seed of its own, until this one's share of the file's budget is spent. */
export function rounds(
  name: string,
  share: number,
  round: (dice: Dice, seed: number) => Promise<void>,
): void {
  const time = budget * share * 1000;
  test(name, { timeout: time + 90_000 }, async (t) => {
    const end = performance.now() + time;
    let seed = firstSeed;
    // Said before, too: a round that ends the process says nothing.
    t.diagnostic(`first seed ${seed}`);
    do {
      try {
        await round(diceOf(seed), seed);
      } catch (error) {
        t.diagnostic(`SIMUL_STRESS_SEED=${seed}`);
        throw error;
      }
      seed += 1;
    } while (performance.now() < end);
    t.diagnostic(`${seed - firstSeed} rounds`);
  });
}

/** A pool for one round; afterwards nothing is left of it. */
export async function withPool(options: PoolOptions, body: (pool: Pool) => Promise<void>): Promise<void> {
  const pool = new Pool(options);
  try {
    await body(pool);
    await within(10_000, pool.close(), 'close');
    const { queued, running, workers, busy } = pool.stats();
    assert.deepEqual({ queued, running, workers, busy }, { queued: 0, running: 0, workers: 0, busy: 0 });
  } finally {
    await pool.terminate();
  }
}

/** A counter an item, in memory that tasks share. */
export function counters(n: number): Int32Array {
  return new Int32Array(new SharedArrayBuffer(4 * n));
}

export const isCode = (error: unknown, code: string): boolean =>
  error instanceof SimulError && error.code === code;

export async function settle<T>(
  calls: readonly PromiseLike<T>[],
  what: string,
): Promise<PromiseSettledResult<T>[]> {
  return within(40_000, Promise.allSettled(calls.map((call) => Promise.resolve(call))), what);
}

/** Waits until the pool has nothing to do: what was cancelled may run on for a while. */
export async function quiet(pool: Pool): Promise<void> {
  const end = performance.now() + 10_000;
  while (pool.stats().queued + pool.stats().busy > 0) {
    if (performance.now() > end)
      assert.fail(`the pool does not come to rest: ${JSON.stringify(pool.stats())}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

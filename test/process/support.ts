/** What the tests of processes share: pools that leave no child. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import test from 'node:test';
import { Pool } from 'simul';
import { within } from '../api/support.js';

/** The suites below `test/socket` turn it off before they load those for all. */
export const sharesMemory = process.env.SIMUL_SHARED_MEMORY !== 'off';

/** A pool that ends healthy, in bounded time, with no child left. */
export function processTest(name: string, workers: number, body: (pool: Pool) => Promise<void>): void {
  test(name, { timeout: 60_000 }, async () => {
    const pool = new Pool({ workers, kind: 'process' });
    try {
      await body(pool);
      const pids = await pool.each(() => process.pid);
      await within(5000, pool.close(), 'close');
      for (const pid of pids) assert.ok(!isAlive(pid), 'a child is left');
    } finally {
      await pool.terminate();
    }
  });
}

/** Whether it runs; one that has ended may stay in the list of processes until somebody asks how. */
export function isAlive(pid: number): boolean {
  try {
    return !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}

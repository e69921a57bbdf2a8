/** What the tests of processes share: pools that leave no child, who lives, and what they leave. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import test from 'node:test';
import { Pool } from 'simul';
import { until, within } from '../api/support.js';

export { inFolder } from '../api/support.js';

export const root = new URL('../../..', import.meta.url);

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
  const state = stateOf(pid);
  return state !== undefined && state !== 'Z';
}

/** The letter by which the system tells what a process does; undefined where there is none. */
export function stateOf(pid: number): string | undefined {
  try {
    return /\) (\S)/.exec(readFileSync(`/proc/${pid}/stat`, 'utf8'))?.[1];
  } catch {
    return undefined;
  }
}

/** Pids of this process's own children. */
export function children(): number[] {
  const text = readFileSync(`/proc/self/task/${process.pid}/children`, 'utf8');
  return text.trim().split(' ').filter(Boolean).map(Number);
}

/** Open files of this process and names in shared memory: fails where more are left than there were. */
export function leftovers(): () => Promise<void> {
  const open = (): number => readdirSync('/proc/self/fd').length;
  const names = (): string => readdirSync('/dev/shm').sort().join(' ');
  const before = { open: open(), names: names() };
  return async () => {
    await until(() => children().length === 0, 'no child is left, nor what has ended and was not asked how');
    await until(() => open() <= before.open, 'no file is left open');
    assert.equal(names(), before.names);
  };
}

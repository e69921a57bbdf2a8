/** Processes that are killed at any moment, under load: for the suite once, for the stress tests as long as they like. */
import assert from 'node:assert/strict';
import { Pool, TaskTimeoutError, WorkerCrashedError } from 'simul';
import { within } from '../api/support.js';
import { numbers } from '../numbers.js';
import { children, leftovers } from './support.js';

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Pids of workers that have run a task: deaths at start are another matter. */
const haveRun = new Set<number>();

/** Kinds of calls, each with what has to come of it where its worker lives. */
type Call = (pool: Pool, n: number, random: number) => Promise<void>;
const given = new Error('given up');

const calls: readonly Call[] = [
  async (pool, n) => {
    const [twice, pid] = await pool.run((x: number) => [x * 2, process.pid] as const, n);
    assert.equal(twice, n * 2);
    haveRun.add(pid);
  },
  async (pool, n) => {
    const large = new Uint8Array(2e6).fill(n);
    assert.equal(await pool.run((bytes: Uint8Array) => bytes[bytes.length - 1], large), n & 255);
  },
  async (pool, n) => {
    const bytes = await pool.run((x: number) => new Uint8Array(2e6).fill(x), n);
    assert.equal(bytes.length, 2e6);
    assert.ok(bytes.every((byte) => byte === (n & 255)));
  },
  async (pool, n) => {
    await assert.rejects(
      pool.run((x: number) => {
        throw new RangeError(`no ${x}`);
      }, n),
      (error: Error) => died(error) || (error instanceof RangeError && error.message === `no ${n}`),
    );
  },
  async (pool, _, random) => {
    const stop = new AbortController();
    setTimeout(() => stop.abort(given), random * 20);
    const call = pool.with({ signal: stop.signal, grace: 5 }).run(() => {
      for (;;);
    });
    await assert.rejects(call, (error: Error) => died(error) || error === given);
  },
  async (pool) => {
    const call = pool.with({ timeout: 15, grace: 5 }).run(() => {
      for (;;);
    });
    await assert.rejects(call, (error: Error) => died(error) || error instanceof TaskTimeoutError);
  },
  async (pool, n) => {
    const items = Array.from({ length: 50 }, (_, i) => i);
    const all = await pool.map(items, (i) => 'x'.repeat(i * 100) + i, { chunk: 10, onError: 'settle' });
    for (const [i, result] of all.entries()) {
      if (result.status === 'rejected') assert.ok(died(result.reason), String(result.reason));
      else assert.equal(result.value, 'x'.repeat(i * 100) + i, `${n}`);
    }
  },
  async (pool, n) => {
    const sum = async (x: number): Promise<number> => {
      const { map } = await import('simul');
      return (await map([x, x + 1], (y) => y)).reduce((a, b) => a + b, 0);
    };
    assert.equal(await pool.run(sum, n), 2 * n + 1);
  },
];

const died = (error: unknown): boolean => error instanceof WorkerCrashedError;

/** Calls of all kinds, while processes are killed, or stopped and then killed: each settles, and nothing is left. */
export async function surviveKilling(seed: number): Promise<void> {
  const random = numbers(seed);
  const nothingLeft = leftovers();
  const pool = new Pool({ workers: 3, kind: 'process' });
  let over = false;
  let kills = 0;
  const killing = (async () => {
    while (!over) {
      await pause(20 + random() * 100);
      const pids = children().filter((pid) => haveRun.has(pid));
      const pid = pids[Math.floor(random() * pids.length)];
      if (pid === undefined || over) continue;
      try {
        if (random() < 0.5) {
          process.kill(pid, 'SIGSTOP');
          await pause(random() * 30);
        }
        process.kill(pid, 'SIGKILL');
        kills += 1;
      } catch (error) {
        // The pool was faster.
        assert.equal((error as NodeJS.ErrnoException).code, 'ESRCH');
      }
    }
  })();
  let settled = 0;
  const total = 120;
  const one = async (n: number): Promise<void> => {
    const call = calls[Math.floor(random() * calls.length)]!;
    try {
      await call(pool, n, random());
    } catch (error) {
      // A call within a task ends with its task's worker.
      if (!died(error)) throw error;
    } finally {
      settled += 1;
    }
  };
  try {
    let next = 0;
    const lane = async (): Promise<void> => {
      while (next < total) await one(next++);
    };
    await within(45_000, Promise.all(Array.from({ length: 6 }, lane)), 'all calls');
    assert.equal(settled, total);
    over = true;
    await killing;
    assert.ok(kills > 3, `${kills} kills`);
    // It is well again.
    assert.deepEqual(
      await within(
        10_000,
        pool.map([1, 2, 3], (x) => x + 1),
        'a map',
      ),
      [2, 3, 4],
    );
    const { queued, running } = pool.stats();
    assert.deepEqual([queued, running], [0, 0]);
    await within(5000, pool.close(), 'close');
    await nothingLeft();
  } finally {
    over = true;
    await pool.terminate();
  }
}

/** `maxMemory`: a worker process that grows is replaced, one that grows beyond measure is ended. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { InvalidOptionError, Pool, WorkerCrashedError } from 'simul';
import { until, within } from '../api/support.js';

const MiB = 2 ** 20;
/** More than a fresh worker has, with room for some work. */
const maxMemory = 160 * MiB;

async function withPool(options: { workers: number; spares?: number }, body: (pool: Pool) => Promise<void>) {
  const pool = new Pool({ kind: 'process', maxMemory, ...options });
  try {
    await body(pool);
    await within(5000, pool.close(), 'close');
  } finally {
    await pool.terminate();
  }
}

/** Keeps 8 MiB more at each call, for good, up to what is above the limit, but not far above it; gives the pid. */
async function leak(): Promise<number> {
  const there = globalThis as { kept?: Buffer[] };
  there.kept ??= [];
  // However long its replacement takes to start, on a machine with much else to do.
  if (process.memoryUsage.rss() < 190 * 2 ** 20) there.kept.push(Buffer.alloc(8 * 2 ** 20, 1));
  await new Promise((resolve) => setTimeout(resolve, 20));
  return process.pid;
}

for (const spares of [0, 1]) {
  test(
    `a leaking worker is replaced in time, and no task is lost (spares: ${spares})`,
    { timeout: 60_000 },
    () =>
      withPool({ workers: 1, spares }, async (pool) => {
        const pids: number[] = [];
        for (let i = 0; i < 60; i++) pids.push(await pool.run(leak));
        const used = [...new Set(pids)];
        assert.ok(used.length >= 2, `${used.length} workers`);
        // Each runs its tasks in one go: the next one takes over, and the last one gets nothing more.
        assert.deepEqual(
          pids,
          [...pids].sort((a, b) => used.indexOf(a) - used.indexOf(b)),
        );
        assert.equal(pool.stats().failed, 0);
        await until(() => pool.stats().workers === 1, 'those that were replaced have left');
      }),
  );
}

test('one that is above the limit may end what it runs', { timeout: 60_000 }, () =>
  withPool({ workers: 1, spares: 0 }, async (pool) => {
    const before = await pool.run(() => process.pid);
    let over = false;
    const long = pool.run(async () => {
      const kept = Buffer.alloc(130 * 2 ** 20, 1);
      await new Promise((resolve) => setTimeout(resolve, 1500));
      return [process.pid, kept[7]];
    });
    void long.then(() => {
      over = true;
    });
    // The one worker is busy for long: what waits goes to the one that replaces it.
    const other = await within(
      10_000,
      pool.run(() => process.pid),
      'the task that waits',
    );
    assert.equal(over, false, 'before the long one ended');
    assert.notEqual(other, before);
    assert.deepEqual(await long, [before, 1]);
  }),
);

test('one that is far above it is ended, and the error says by how much', { timeout: 60_000 }, () =>
  withPool({ workers: 1 }, async (pool) => {
    const behind: Promise<number>[] = [];
    const fat = pool.with({ name: 'fat' }).run(() => {
      const kept: Buffer[] = [];
      for (;;) {
        kept.push(Buffer.alloc(2 ** 20, 1));
        const until = performance.now() + 1;
        while (performance.now() < until);
      }
    });
    for (let i = 0; i < 20; i++) behind.push(pool.run((n: number) => n, i));
    const error: unknown = await within(20_000, fat, 'the task').catch((reason: unknown) => reason);
    assert.ok(error instanceof WorkerCrashedError, String(error));
    assert.match(
      error.message,
      /"fat".*had to be stopped: it used [\d.]+ MiB of memory, over 1.5 times its maxMemory of 160 MiB \(attempt 1\)/,
    );
    assert.ok(error.memoryUsed! > maxMemory * 1.5 && error.memoryUsed! < maxMemory * 20);
    assert.equal(error.memoryLimit, maxMemory);
    assert.deepEqual(
      await within(10_000, Promise.all(behind), 'what waited behind it'),
      behind.map((_, i) => i),
    );
  }),
);

test('a limit that no worker can keep does not keep tasks from running', { timeout: 60_000 }, async () => {
  // Any worker has more; 1.5 times as much, none.
  const probe = new Pool({ kind: 'process', workers: 1 });
  const rss = await probe.run(() => process.memoryUsage.rss());
  await probe.close();
  const pool = new Pool({ kind: 'process', workers: 1, maxMemory: rss * 0.85 });
  const pause = async (n: number): Promise<number> => {
    await new Promise((resolve) => setTimeout(resolve, 150));
    return n;
  };
  const all = await within(30_000, Promise.all([1, 2, 3, 4, 5].map((n) => pool.run(pause, n))), 'the calls');
  assert.deepEqual(all, [1, 2, 3, 4, 5]);
  await within(5000, pool.close(), 'close');
});

test('maxMemory is for processes, and is checked', () => {
  assert.throws(
    () => new Pool({ maxMemory: 1e9 }),
    (error) => error instanceof InvalidOptionError && /maxHeap/.test(error.message),
  );
  assert.throws(() => new Pool({ kind: 'process', maxMemory: 0 }), InvalidOptionError);
  assert.throws(() => new Pool({ kind: 'process', spares: -1 }), InvalidOptionError);
});

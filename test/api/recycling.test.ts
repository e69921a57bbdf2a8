/** Workers that are replaced on purpose: the next one is there before the last one leaves, and nothing fails. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import test from 'node:test';
import { Pool, task } from 'simul';
import { inFolder, kind, poolTest, until, within, workerId } from './support.js';

/** Counts the tasks of this worker; the last one that it may run ends when another worker has started. */
async function counted(file: string, most: number): Promise<string> {
  const { readFileSync } = await import('node:fs');
  const { threadId } = await import('node:worker_threads');
  const own = `${process.pid}.${threadId}`;
  const there = globalThis as { ran?: number };
  there.ran = (there.ran ?? 0) + 1;
  if (there.ran < most) return own;
  const started = (): string[] => readFileSync(file, 'utf8').trim().split('\n');
  const end = performance.now() + 10_000;
  while (started().at(-1) === own) {
    if (performance.now() > end) throw new Error('no other worker has started');
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  return own;
}

for (const most of [1, 5, 25]) {
  test(`one worker, replaced after ${most} tasks: the next one has started before the last task ends`, () =>
    inFolder(async (folder) => {
      const file = join(folder, 'started');
      const pool = new Pool({
        kind,
        workers: 1,
        maxTasksPerWorker: most,
        // Of two workers, no spare is the second.
        spares: 0,
        init: async () => {
          const { appendFileSync } = await import('node:fs');
          const { threadId } = await import('node:worker_threads');
          appendFileSync(file, `${process.pid}.${threadId}\n`);
        },
      });
      let workers = 0;
      const calls = Array.from({ length: 4 * most }, async () => {
        const id = await pool.run(counted, file, most);
        workers = Math.max(workers, pool.stats().workers);
        return id;
      });
      const ids = await within(25_000, Promise.all(calls), 'the calls');
      const counts = new Map<string, number>();
      for (const id of ids) counts.set(id, (counts.get(id) ?? 0) + 1);
      assert.deepEqual([...counts.values()], [most, most, most, most], 'each ran as many as it may');
      // What leaves counts until it has stopped; what is not needed yet does not count.
      assert.ok(workers <= 2, `${workers} workers`);
      await within(5000, pool.close(), 'close');
    }));
}

poolTest('under load, none fails and none is lost', { workers: 2, maxTasksPerWorker: 40 }, async (pool) => {
  const items = Array.from({ length: 800 }, (_, i) => i);
  const [mapped, calls, nested] = await within(
    25_000,
    Promise.all([
      pool.map(items, (n) => n * 2, { chunk: 7 }),
      Promise.all(items.slice(0, 200).map((n) => pool.run((x: number) => x + 1, n))),
      pool.map(items.slice(0, 20), async (n) => {
        const { run } = await import('simul');
        return (await run((x: number) => x * x, n)) + task().worker * 0;
      }),
    ]),
    'all calls',
  );
  assert.deepEqual(
    mapped,
    items.map((n) => n * 2),
  );
  assert.deepEqual(
    calls,
    items.slice(0, 200).map((n) => n + 1),
  );
  assert.deepEqual(
    nested,
    items.slice(0, 20).map((n) => n * n),
  );
  assert.equal(pool.stats().failed, 0);
});

poolTest(
  'a replaced worker has the number of the one before',
  { workers: 2, maxTasksPerWorker: 2 },
  async (pool) => {
    for (let round = 0; round < 6; round++) {
      assert.deepEqual(await pool.each(() => task().worker), [0, 1]);
    }
  },
);

poolTest(
  'idle workers leave between bursts, and no call fails for it',
  { workers: 2, idleTimeout: 2 },
  async (pool) => {
    const seen = new Set<string>();
    for (let round = 0; round < 12; round++) {
      const calls = Array.from({ length: 1 + (round % 3) * 4 }, () => pool.run(workerId));
      for (const id of await within(10_000, Promise.all(calls), 'a burst')) seen.add(id);
      // The next burst comes while they leave, at one moment or another.
      if (round % 4 === 3) await until(() => pool.stats().workers === 0, 'no worker is left');
      else await new Promise((resolve) => setTimeout(resolve, round % 4));
    }
    assert.ok(seen.size >= 3);
    assert.equal(pool.stats().failed, 0);
  },
);

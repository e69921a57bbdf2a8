/** A spare stands in at once for a worker process that dies. */
import assert from 'node:assert/strict';
import { appendFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { Pool, type PoolOptions, task, WorkerCrashedError } from 'simul';
import { inFolder, script, until, within } from '../api/support.js';
import { children, isAlive } from './support.js';

const epoch = (): number => performance.timeOrigin + performance.now();

interface Watched {
  readonly pool: Pool;
  /** Pids of processes that have run their init, in order. */
  begun(): number[];
}

/** A pool whose processes say when they are there. */
function spareTest(
  name: string,
  options: PoolOptions,
  body: (watched: Watched, t: TestContext) => Promise<void>,
): void {
  test(name, { timeout: 60_000 }, (t) =>
    inFolder(async (folder) => {
      const file = join(folder, 'begun');
      appendFileSync(file, '');
      const init = async (): Promise<void> => {
        const fs = await import('node:fs');
        fs.appendFileSync(file, `${process.pid}\n`);
      };
      const begun = (): number[] => readFileSync(file, 'utf8').split('\n').filter(Boolean).map(Number);
      const before = children();
      const pool = new Pool({ kind: 'process', workers: 1, init, ...options });
      try {
        await body({ pool, begun }, t);
        await within(5000, pool.close(), 'close');
        const left = children().filter((pid) => !before.includes(pid));
        assert.deepEqual(left, [], 'no child is left');
      } finally {
        await pool.terminate();
      }
    }),
  );
}

spareTest(
  'from SIGKILL to the next attempt: a process that was there before',
  {},
  async ({ pool, begun }, t) => {
    const times: number[] = [];
    let pid = await pool.run(() => process.pid);
    for (let round = 0; round < 10; round++) {
      await until(() => begun().at(-1) !== pid && begun().length >= round + 2, 'a spare is there');
      // Its word that it is ready may still be on its way.
      await new Promise((resolve) => setTimeout(resolve, 50));
      const there = begun();
      const again = pool.with({ retries: 1 }).run(() => {
        if (task().attempt === 1) for (;;);
        return [performance.timeOrigin + performance.now(), process.pid, task().worker] as const;
      });
      await until(() => again.state === 'running', 'it runs');
      const killed = epoch();
      process.kill(pid, 'SIGKILL');
      const [at, next, worker] = await within(10_000, again, 'the second attempt');
      assert.ok(next !== pid && there.includes(next), 'it ran on the spare');
      assert.equal(worker, 0);
      times.push(at - killed);
      pid = next;
    }
    times.sort((a, b) => a - b);
    t.diagnostic(`SIGKILL to re-run: median ${times[5]!.toFixed(1)} ms, longest ${times[9]!.toFixed(1)} ms`);
  },
);

spareTest('it is no worker until it stands in for one', { workers: 2 }, async ({ pool, begun }) => {
  assert.deepEqual(begun(), [], 'none at the start');
  const pids = await pool.each(() => process.pid);
  await until(() => begun().length === 3, 'the spare is there');
  assert.equal(pool.stats().workers, 2);
  const ran = await pool.map(Array.from({ length: 40 }), () => process.pid, { chunk: 1 });
  assert.ok(ran.every((pid) => pids.includes(pid)));
  assert.deepEqual(await pool.each(() => task().worker), [0, 1]);
  assert.equal(begun().length, 3, 'one is enough');
});

spareTest(
  'none before there is work, and none where none is asked for',
  { spares: 0 },
  async ({ pool, begun }) => {
    for (let i = 0; i < 20; i++) {
      await pool.run(() => 1);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    assert.equal(begun().length, 1);
  },
);

test('threads have none unless they are asked for', { timeout: 30_000 }, async () => {
  for (const spares of [undefined, 1]) {
    const started = new Int32Array(new SharedArrayBuffer(4));
    const pool = new Pool({ workers: 1, spares, init: () => void Atomics.add(started, 0, 1) });
    await pool.run(() => 1);
    if (spares === 1) await until(() => Atomics.load(started, 0) === 2, 'the spare is there');
    else {
      await new Promise((resolve) => setTimeout(resolve, 500));
      assert.equal(Atomics.load(started, 0), 1);
    }
    assert.equal(pool.stats().workers, 1);
    await assert.rejects(Promise.resolve(pool.run(() => process.exit(1))), WorkerCrashedError);
    assert.equal(await pool.run(() => task().worker), 0);
    await within(5000, pool.close(), 'close');
  }
});

spareTest('a spare that is killed counts for nothing, and another one comes', {}, async ({ pool, begun }) => {
  const own = await pool.run(() => process.pid);
  for (let round = 0; round < 3; round++) {
    await until(() => begun().length === round + 2, 'a spare is there');
    process.kill(begun().at(-1)!, 'SIGKILL');
    await until(() => !children().includes(begun().at(-1)!), 'it is gone');
    // Nothing is started while there is nothing to do.
    assert.equal(await pool.run(() => process.pid), own);
  }
  assert.equal(pool.stats().failed, 0);
});

test('a spare whose init fails is no fault of the pool', { timeout: 30_000 }, () =>
  inFolder(async (folder) => {
    const lock = join(folder, 'lock');
    const tries = join(folder, 'tries');
    appendFileSync(tries, '');
    const pool = new Pool({
      kind: 'process',
      workers: 1,
      // Only one process at a time can have it.
      init: async () => {
        const fs = await import('node:fs');
        fs.appendFileSync(tries, 'x');
        fs.writeFileSync(lock, '', { flag: 'wx' });
      },
    });
    assert.equal(await pool.run(() => 1), 1);
    const made = (): number => readFileSync(tries, 'utf8').length;
    const begun = performance.now();
    for (let wanted = 2; wanted <= 4; wanted++) {
      await until(() => {
        void pool.run(() => 1);
        return made() >= wanted;
      }, 'another one is tried');
    }
    assert.ok(performance.now() - begun >= 50 + 100, 'each comes later than the one before');
    assert.equal(await pool.run(() => 1), 1);
    assert.equal(pool.stats().workers, 1);
    await within(5000, pool.close(), 'close');
  }),
);

test('a program ends by itself while a spare is there, and the spare with it', {
  timeout: 60_000,
}, async () => {
  const { code, stdout, stderr } = await script(`
    import { Pool } from 'simul';
    import { readFileSync } from 'node:fs';
    const pool = new Pool({ kind: 'process', workers: 1 });
    await pool.run(() => 1);
    const children = () => readFileSync('/proc/self/task/' + process.pid + '/children', 'utf8').trim().split(' ');
    while (children().length < 2) await new Promise((resolve) => setTimeout(resolve, 5));
    console.log(children().join(' '));
  `);
  assert.equal(code, 0, stderr);
  const pids = stdout.trim().split(' ').map(Number);
  assert.equal(pids.length, 2);
  await until(() => !pids.some(isAlive), 'both are gone');
});

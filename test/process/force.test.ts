/** Workers that end by force, at any moment and all the time: nothing is lost, nothing hangs, nothing is left. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { EngineError, Pool, TaskTimeoutError, WorkerCrashedError } from 'simul';
import { until, within } from '../api/support.js';
import { children, inFolder, isAlive, leftovers, root, sharesMemory, stateOf } from './support.js';

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Numbers from 0 to 1, the same for the same seed (mulberry32). */
function numbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

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

for (const seed of [1, 2]) {
  test(`SIGKILL, SIGSTOP and then SIGKILL, at any moment under load (seed ${seed})`, {
    timeout: 60_000,
  }, async () => {
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
  });
}

test('a worker that was stopped by SIGSTOP is made to end by a timeout', { timeout: 30_000 }, async () => {
  const nothingLeft = leftovers();
  const pool = new Pool({ workers: 1, kind: 'process' });
  try {
    const pid = await pool.run(() => process.pid);
    process.kill(pid, 'SIGSTOP');
    // The clock of its task begins when it starts, which it does not: `deadline` counts from the call.
    const call = pool.with({ deadline: 200, grace: 10 }).run(() => 1);
    await assert.rejects(within(10_000, call, 'the call'), { code: 'SIMUL_TASK_TIMEOUT' });
    process.kill(pid, 'SIGKILL');
    assert.equal(
      await within(
        10_000,
        pool.run(() => 2),
        'the next call',
      ),
      2,
    );
    const busy = pool.with({ timeout: 300, grace: 10 }).run(() => {
      for (;;);
    });
    await until(() => pool.stats().running === 1, 'it runs');
    const [stopped] = children();
    process.kill(stopped!, 'SIGSTOP');
    await assert.rejects(within(10_000, busy, 'the task'), TaskTimeoutError);
    assert.equal(
      await within(
        10_000,
        pool.run(() => 3),
        'the next call',
      ),
      3,
    );
    assert.equal(stateOf(stopped!), undefined);
    await within(5000, pool.close(), 'close');
    await nothingLeft();
  } finally {
    await pool.terminate();
  }
});

test('terminate while workers are stopped, and while large values are on their way', {
  timeout: 30_000,
}, async () => {
  const nothingLeft = leftovers();
  const pool = new Pool({ workers: 2, kind: 'process' });
  const pids = await pool.each(() => process.pid);
  const all = Array.from({ length: 6 }, () =>
    pool
      .run((bytes: Uint8Array) => bytes, new Uint8Array(8e6))
      .then(
        () => 'there',
        (error: { code: string }) => error.code,
      ),
  );
  await turn();
  for (const pid of pids) process.kill(pid, 'SIGSTOP');
  await within(5000, pool.terminate(), 'terminate');
  for (const end of await within(5000, Promise.all(all), 'the calls')) {
    assert.match(end, /^(there|SIMUL_POOL_CLOSED)$/);
  }
  await nothingLeft();
});

test('killed at start, twice: the call runs in the third', { timeout: 30_000 }, async () => {
  const nothingLeft = leftovers();
  const pool = new Pool({ workers: 1, kind: 'process' });
  try {
    const call = pool.run(() => process.pid);
    const killed = new Set<number>();
    while (killed.size < 2) {
      await within(
        10_000,
        until(() => children().some((pid) => !killed.has(pid)), 'a child starts'),
        'a start',
      );
      for (const pid of children()) {
        process.kill(pid, 'SIGKILL');
        killed.add(pid);
      }
    }
    assert.ok(!killed.has(await within(20_000, call, 'the call')));
    await within(5000, pool.close(), 'close');
    await nothingLeft();
  } finally {
    await pool.terminate();
  }
});

test('killed at every start: the pool says why', { timeout: 60_000 }, async () => {
  const nothingLeft = leftovers();
  const pool = new Pool({ workers: 2, kind: 'process' });
  let over = false;
  const killing = (async () => {
    while (!over) {
      for (const pid of children()) process.kill(pid, 'SIGKILL'); // Not asked yet how it ended, it is still there.
      await turn();
    }
  })();
  try {
    const error: unknown = await within(
      50_000,
      pool.run(() => 1).catch((reason: unknown) => reason),
      'the call',
    );
    assert.ok(error instanceof EngineError, String(error));
    assert.match(error.message, /end before they run anything/);
    assert.match(String(error.cause), /SIGKILL/);
  } finally {
    over = true;
    await killing;
    await within(5000, pool.terminate(), 'terminate');
  }
  await nothingLeft();
});

test('a child that closes the way by which it wakes its parent is a crash', { timeout: 30_000 }, async () => {
  const pool = new Pool({ workers: 1, kind: 'process' });
  try {
    const error: unknown = await within(
      10_000,
      pool
        .run(async () => {
          (await import('node:fs')).closeSync(4);
          return new Promise(() => {});
        })
        .catch((reason: unknown) => reason),
      'the call',
    );
    assert.ok(died(error), String(error));
    assert.equal(await pool.run(() => 1), 1);
    await within(5000, pool.close(), 'close');
  } finally {
    await pool.terminate();
  }
});

/** What the children do when their parent is killed; `ready` is what it waits for before it says so. */
const states: Readonly<Record<string, string>> = {
  starting: `void pool.run(() => 1); void pool.run(() => 1);`,
  'writing results that nobody reads': `
    void pool.map(Array.from({ length: 4000 }, (_, i) => i), (i) => 'x'.repeat(4000) + i, { chunk: 2000 });
    await new Promise((resolve) => setTimeout(resolve, 200));
    block = true;`,
  'in the midst of a large argument': `
    await pool.each(() => 1);
    for (let i = 0; i < 8; i++) void pool.run((bytes) => bytes.length, new Uint8Array(3e7));`,
  stopped: `
    for (const pid of await pool.each(() => process.pid)) process.kill(pid, 'SIGSTOP');`,
};

for (const [state, program] of Object.entries(states)) {
  test(`the parent killed: children that are ${state} are gone`, { timeout: 30_000 }, () =>
    inFolder(async (folder) => {
      const names = readdirSync('/dev/shm').sort();
      const up = join(folder, 'up');
      const parent = spawn(
        process.execPath,
        [
          '--input-type=module',
          '-e',
          `import { Pool } from 'simul';
           import { writeFileSync } from 'node:fs';
           const pool = new Pool({ workers: 2, kind: 'process', spares: 0 });
           let block = false;
           // Whoever started it may be gone as well.
           process.stdin.on('end', () => process.exit()).resume();
           const end = performance.now() + 30_000;
           ${program}
           writeFileSync(${JSON.stringify(up)}, '');
           while (block && performance.now() < end);`,
        ],
        { cwd: root, stdio: ['pipe', 'ignore', 'ignore'] },
      );
      await until(() => existsSync(up), 'it is up');
      const of = (): number[] =>
        readFileSync(`/proc/${parent.pid}/task/${parent.pid}/children`, 'utf8')
          .trim()
          .split(' ')
          .filter(Boolean)
          .map(Number);
      await until(() => of().length === 2, 'it has two children');
      const pids = of();
      parent.kill('SIGKILL');
      let killed = performance.now();
      await once(parent, 'exit');
      if (state === 'stopped' && !sharesMemory) {
        // Nothing of them runs that could hear of it.
        for (const pid of pids) process.kill(pid, 'SIGCONT');
        killed = performance.now();
      }
      await until(() => !pids.some(isAlive), 'the children are gone');
      // One that starts looks for its parent as soon as Node runs it.
      const limit = state === 'starting' ? 10_000 : 1000;
      assert.ok(performance.now() - killed < limit, `${performance.now() - killed} ms`);
      assert.deepEqual(readdirSync('/dev/shm').sort(), names);
    }),
  );
}

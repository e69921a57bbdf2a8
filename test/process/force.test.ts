/** Workers that end by force, at any moment and all the time: nothing is lost, nothing hangs, nothing is left. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { EngineError, Pool, TaskTimeoutError, WorkerCrashedError } from 'simul';
import { until, within } from '../api/support.js';
import { surviveKilling } from './killing.js';
import { children, inFolder, isAlive, leftovers, root, sharesMemory, stateOf } from './support.js';

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

const died = (error: unknown): boolean => error instanceof WorkerCrashedError;

test('SIGKILL, SIGSTOP and then SIGKILL, at any moment under load', { timeout: 60_000 }, () =>
  surviveKilling(1),
);

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
    const next = await within(
      10_000,
      pool.run(() => process.pid),
      'the next call',
    );
    assert.notEqual(next, pid);
    const busy = pool.with({ timeout: 300, grace: 10 }).run(() => {
      for (;;);
    });
    await until(() => pool.stats().running === 1, 'it runs');
    process.kill(next, 'SIGSTOP');
    await assert.rejects(within(10_000, busy, 'the task'), TaskTimeoutError);
    assert.equal(
      await within(
        10_000,
        pool.run(() => 3),
        'the next call',
      ),
      3,
    );
    await until(() => stateOf(next) === undefined, 'it is gone');
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

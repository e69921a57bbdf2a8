/** The end of a pool and of its program while there is work: in bounded time, with the right status, and nothing left. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import test from 'node:test';
import { Pool, PoolClosedError, task } from 'simul';
import { kind, until, within } from './support.js';

const root = new URL('../../..', import.meta.url);

function isAlive(pid: number): boolean {
  try {
    return !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}

/** A mix of all that can be under way. */
function load(pool: Pool): Promise<PromiseSettledResult<unknown>[]> {
  const items = Array.from({ length: 200 }, (_, i) => i);
  const pause = async (n: number): Promise<number> => {
    await new Promise((resolve) => setTimeout(resolve, 2));
    return n;
  };
  return Promise.allSettled([
    pool.map(items, pause),
    pool.map(items, (n) => new Uint8Array(10_000).fill(n)),
    ...items.slice(0, 100).map((n) => pool.run(pause, n)),
    pool.map(items.slice(0, 10), async (n) => {
      const { run } = await import('simul');
      return run((x: number) => x + 1, n);
    }),
    pool.run(function* () {
      for (let i = 0; i < 50; i++) yield i;
    }),
  ]);
}

test('close under load: everything that was accepted is done', { timeout: 60_000 }, async () => {
  const pool = new Pool({ kind, workers: 2 });
  const settled = load(pool);
  const stream = (await settled.then((all) => all.at(-1))) as PromiseFulfilledResult<AsyncIterable<number>>;
  const more = load(pool);
  const closing = pool.close();
  let sum = 0;
  for await (const n of stream.value) sum += n;
  for (const result of [...(await settled), ...(await within(30_000, more, 'what was accepted'))]) {
    assert.equal(result.status, 'fulfilled');
  }
  const last = (await more).at(-1) as PromiseFulfilledResult<AsyncIterable<number>>;
  for await (const n of last.value) sum += n;
  assert.equal(sum, 2 * 1225);
  await within(5000, closing, 'close');
  assert.equal(pool.stats().workers, 0);
});

for (const after of [0, 10, 60, 150]) {
  test(`terminate under load, after ${after} ms: everything settles at once`, {
    timeout: 60_000,
  }, async () => {
    const pool = new Pool({ kind, workers: 2 });
    const settled = load(pool);
    await new Promise((resolve) => setTimeout(resolve, after));
    await within(5000, pool.terminate(), 'terminate');
    for (const result of await within(5000, settled, 'all calls')) {
      if (result.status === 'rejected')
        assert.ok(result.reason instanceof PoolClosedError, String(result.reason));
    }
    const { workers, queued, running } = pool.stats();
    assert.deepEqual([workers, queued, running], [0, 0, 0]);
  });
}

test('terminate says of each task whether it had begun', { timeout: 60_000 }, async () => {
  const pool = new Pool({ kind, workers: 1, name: 'mine' });
  const running = pool.with({ name: 'endless' }).run(() => {
    for (;;);
  });
  await until(() => running.state === 'running', 'it runs');
  const waiting = pool.run(() => task().id);
  const map = pool.map([1, 2], (n) => n);
  const settled = Promise.allSettled([running, waiting, map]);
  await within(5000, pool.terminate('enough'), 'terminate');
  const messages = (await settled).map((result) => {
    assert.ok(result.status === 'rejected' && result.reason instanceof PoolClosedError);
    return result.reason.message;
  });
  assert.match(messages[0]!, /^mine was terminated: enough while task "endless" \(0\) ran on worker 0$/);
  assert.match(messages[1]!, /^mine was terminated: enough before this task began$/);
  assert.match(messages[2]!, /before this task began$/);
  const own = new Error('my own');
  const other = new Pool({ kind, workers: 1 });
  const call = Promise.allSettled([other.run(() => new Promise(() => {}))]);
  await other.terminate(own);
  assert.equal(((await call)[0] as PromiseRejectedResult).reason, own);
});

test('close, then terminate where a task does not end', { timeout: 60_000 }, async () => {
  const pool = new Pool({ kind, workers: 1 });
  const endless = pool.run(() => {
    for (;;);
  });
  const outcome = Promise.allSettled([endless]);
  await until(() => endless.state === 'running', 'it runs');
  const closing = pool.close();
  assert.equal(pool.stats().running, 1, 'what still runs is in the counts');
  await within(5000, pool.terminate(), 'terminate');
  await within(1000, closing, 'close');
  assert.ok(((await outcome)[0] as PromiseRejectedResult).reason instanceof PoolClosedError);
});

// ---- signals ----------------------------------------------------------------------------------------------------

interface Program {
  readonly shell: ChildProcess;
  readonly pid: number;
  readonly workers: readonly number[];
  /** All that it and the shell have printed, once both have ended. */
  readonly printed: Promise<string>;
}

/** A program with work in both workers, under a shell that tells its status as shells do. */
async function program(handler: string): Promise<Program> {
  const source = `
    import { Pool } from 'simul';
    const pool = new Pool({ kind: '${kind}', workers: 2 });
    ${handler}
    const pids = await pool.each(() => process.pid);
    const work = pool.map([0, 1], async () => {
      console.log('at work');
      await new Promise((resolve) => setTimeout(resolve, 700));
      return 1;
    }, { chunk: 1 });
    work.then((all) => console.log('done ' + all), (error) => console.log('failed ' + error.code));
    console.log('pids ' + [process.pid, ...pids].join(' '));
  `;
  const shell = spawn(
    '/bin/sh',
    ['-c', `"$0" --input-type=module -e "$1"; echo "status $?"`, process.execPath, source],
    { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] },
  );
  let text = '';
  shell.stdout.on('data', (chunk) => {
    text += chunk;
  });
  while (!/pids .*\n/.test(text) || text.split('at work').length < 3) {
    await within(20_000, once(shell.stdout, 'data'), 'the program');
  }
  const [pid, ...workers] = /pids (.*)\n/.exec(text)![1]!.split(' ').map(Number) as [number, ...number[]];
  return { shell, pid, workers, printed: once(shell, 'close').then(() => text) };
}

const signals = [
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const;

for (const [signal, status] of signals) {
  for (const all of [false, true]) {
    const whom = all ? 'it and its workers, as terminals and service managers do' : 'it alone';
    test(`${signal} to ${whom}: a program without a handler ends as any other`, {
      timeout: 60_000,
    }, async () => {
      const { pid, workers, printed } = await program('');
      const begun = performance.now();
      for (const each of all ? [...new Set([...workers, pid])] : [pid]) process.kill(each, signal);
      const text = await within(5000, printed, 'its end');
      assert.match(text, new RegExp(`status ${status}`));
      assert.doesNotMatch(text, /done|failed/);
      await until(() => ![pid, ...workers].some(isAlive), 'nothing of it is left');
      assert.ok(performance.now() - begun < 5000);
    });

    test(`${signal} to ${whom}: a program that closes its pool gets all results`, {
      timeout: 60_000,
    }, async () => {
      const handler = `process.once('${signal}', async () => {
        console.log('closing');
        await pool.close();
        process.exit(${status});
      });`;
      const { pid, workers, printed } = await program(handler);
      for (const each of all ? [...new Set([...workers, pid])] : [pid]) process.kill(each, signal);
      const text = await within(10_000, printed, 'its end');
      assert.match(text, /closing/);
      assert.match(text, /done 1,1/);
      assert.match(text, new RegExp(`status ${status}`));
      await until(() => ![pid, ...workers].some(isAlive), 'nothing of it is left');
    });
  }
}

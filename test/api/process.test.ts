/** Whole programs: how they end, what they print. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, open, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { script } from './support.js';

const root = new URL('../../..', import.meta.url);

test('a script that uses the default pool ends by itself', async () => {
  const { code, stdout, stderr } = await script(`
    import { map } from 'simul';
    const factor = 2;
    console.log(await map([1, 2, 3], (n) => n * factor));
  `);
  assert.equal(stderr, '');
  assert.equal(stdout, '[ 2, 4, 6 ]\n');
  assert.equal(code, 0);
});

test('what tasks print arrives complete and before what follows their result', async () => {
  const { stdout, code } = await script(`
    import { Pool } from 'simul';
    const pool = new Pool({ workers: 1 });
    await pool.map(Array.from({ length: 300 }, (_, i) => i), (n) => console.log('line', n));
    console.log('end');
  `);
  assert.equal(code, 0);
  assert.deepEqual(stdout.trim().split('\n'), [...Array.from({ length: 300 }, (_, i) => `line ${i}`), 'end']);
});

test('an abandoned default pool with an endless task does not end, a finished one does', async () => {
  const { code, stdout } = await script(`
    import { run, pool } from 'simul';
    const future = run(() => new Promise(() => {}));
    setTimeout(() => future.cancel(), 50);
    await future.catch((error) => console.log(error.code));
  `);
  assert.equal(stdout, 'SIMUL_TASK_CANCELLED\n');
  assert.equal(code, 0);
});

test('a script that waits for a pool to end goes on when it has', async () => {
  const { code, stdout } = await script(`
    import { Pool } from 'simul';
    for (const end of ['terminate', 'close']) {
      for (let i = 0; i < 12; i++) {
        const pool = new Pool({ workers: 1 });
        await pool.run(Math.max, 1, 2);
        await pool.run(Math.max, 3, i);
        // Long enough for the worker to be done with the call, too long for this thread to know of it.
        for (const until = performance.now() + 5; performance.now() < until; );
        await pool[end]();
      }
    }
    console.log('end');
  `);
  assert.equal(stdout, 'end\n');
  assert.equal(code, 0);
});

test('functions that capture nothing work without the inspector', async () => {
  const flag =
    Number(process.versions.node.split('.')[0]) >= 24 ? '--permission' : '--experimental-permission';
  const { stdout } = await script(
    `
    import { run } from 'simul';
    console.log(await run((a, b) => Math.max(a, b), 1, 2));
    const captured = 5;
    await run(() => captured).catch((error) => console.log(error.code, /inspector/.test(error.message)));
  `,
    [flag, '--allow-fs-read=*', '--allow-worker'],
  );
  assert.equal(stdout, '2\nSIMUL_SERIALIZATION true\n');
});

test('output is complete and in order: before process.exit in a task, at the end, to a pipe and to a file', async () => {
  const source = `
    import { map, Pool } from 'simul';
    const pool = new Pool({ workers: 1 });
    await pool.run(() => {
      for (let i = 0; i < 2000; i++) console.log('before exit', i);
      console.error('on stderr');
      process.exit(1);
    }).catch((error) => console.log(error.code));
    await map(Array.from({ length: 500 }, (_, i) => i), (n) => console.log('mapped', n, 'x'.repeat(1000)));
  `;
  const piped = await script(source);
  assert.equal(piped.code, 0);
  assert.equal(piped.stderr, 'on stderr\n');
  const lines = piped.stdout.trimEnd().split('\n');
  assert.deepEqual(lines.slice(0, 2001), [
    ...Array.from({ length: 2000 }, (_, i) => `before exit ${i}`),
    'SIMUL_WORKER_CRASHED',
  ]);
  const mapped = lines.slice(2001).map((line) => Number(line.split(' ')[1]));
  assert.deepEqual(
    mapped.sort((a, b) => a - b),
    Array.from({ length: 500 }, (_, i) => i),
  );
  const folder = await mkdtemp(join(tmpdir(), 'simul-'));
  try {
    const out = join(folder, 'out');
    const file = await open(out, 'w');
    const child = spawn(process.execPath, ['--input-type=module', '-e', source], {
      cwd: root,
      stdio: ['ignore', file.fd, 'ignore'],
    });
    assert.deepEqual(await once(child, 'close'), [0, null]);
    await file.close();
    const written = (await readFile(out, 'utf8')).trimEnd().split('\n');
    assert.deepEqual(written.sort(), lines.sort());
  } finally {
    await rm(folder, { recursive: true });
  }
});

test('a script ends at once when its work is done, whatever its options', async () => {
  const { code, stdout, stderr } = await script(`
    import { map, run, stream, task, Pool } from 'simul';
    const limits = { timeout: 60_000, queueTimeout: 60_000, deadline: 60_000, grace: 60_000, retries: 1 };
    await map([1, 2, 3], (n) => n, { ...limits, onProgress: () => {} });
    const pool = new Pool({ workers: 2, idleTimeout: 60_000 });
    await pool.with(limits).run(() => 1);
    const slow = pool.with({ timeout: 30, grace: 60_000 }).run(async () => {
      const { signal } = task();
      await new Promise((resolve) => signal.addEventListener('abort', resolve));
    });
    await slow.catch((error) => console.log(error.code));
    for await (const n of stream((function* () { for (;;) yield 1; })(), (n) => n, limits)) break;
    const left = pool.stream([1, 2, 3], (n) => n);
    await left.next();
    const end = performance.now();
    process.on('exit', () => console.log(performance.now() - end < 1000 ? 'at once' : 'late'));
  `);
  assert.deepEqual(
    { code, stdout, stderr },
    { code: 0, stdout: 'SIMUL_TASK_TIMEOUT\nat once\n', stderr: '' },
  );
});

test('nothing is left in the process after close', async () => {
  const { stdout, stderr } = await script(`
    import { Pool } from 'simul';
    const pool = new Pool({ workers: 2, idleTimeout: 50 });
    await pool.map([1, 2, 3], (n) => n, { timeout: 1000, onProgress: () => {} });
    await pool.run(() => process.exit(1)).catch(() => {});
    await pool.with({ timeout: 20, grace: 20 }).run(() => { for (;;); }).catch(() => {});
    await pool.close();
    // Node closes ports and streams a few turns later.
    const left = () => process.getActiveResourcesInfo().filter((name) => !/Pipe|TTY|Immediate/.test(name));
    for (let i = 0; i < 100 && left().length > 0; i++) await new Promise(setImmediate);
    console.log(JSON.stringify(left()));
  `);
  assert.equal(stdout + stderr, '[]\n');
});

test('Ctrl-C in the middle of a map ends the program at once', { timeout: 20_000 }, async () => {
  const source = `
    import { map } from 'simul';
    await map(Array.from({ length: 1000 }), () => { console.log('ran'); for (;;); });
  `;
  const child = spawn(
    'sh',
    [
      '-c',
      `"$0" --input-type=module -e "$1" & p=$!; trap "kill -INT $p" INT; wait $p; wait $p; echo "status $?"`,
      process.execPath,
      source,
    ],
    {
      cwd: root,
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  let text = '';
  child.stdout.on('data', (chunk) => {
    text += chunk;
  });
  while (!text.includes('ran')) await once(child.stdout, 'data');
  const begun = performance.now();
  child.kill('SIGINT');
  await once(child, 'close');
  assert.match(text, /status 130/);
  assert.ok(performance.now() - begun < 2000);
});

test('a heap that grows past maxHeap ends its worker, not the program', async () => {
  const { code, stdout } = await script(`
    import { Pool } from 'simul';
    const pool = new Pool({ workers: 1, maxHeap: 32 * 2 ** 20 });
    const error = await pool.run(() => {
      const all = [];
      for (let i = 0; ; i++) all.push({ i, text: 'x' + i });
    }).catch((error) => error);
    console.log(error.code, /memory/i.test(error.message), error.cause?.code);
    console.log(await pool.run(() => 'goes on'));
    await pool.close();
  `);
  // Best effort, as documented: Node itself may end where the heap grows too fast.
  if (code === 0) assert.equal(stdout, 'SIMUL_WORKER_CRASHED true ERR_WORKER_OUT_OF_MEMORY\ngoes on\n');
});

test('a context is let go of: workers keep nothing of the call that started them', async () => {
  const { stdout } = await script(
    `
    import { AsyncLocalStorage } from 'node:async_hooks';
    import { Pool } from 'simul';
    const storage = new AsyncLocalStorage();
    const pool = new Pool({ workers: 2, idleTimeout: 60_000 });
    let request = { big: new Array(1000).fill(1) };
    const ref = new WeakRef(request);
    await storage.run(request, () => pool.map([1, 2, 3, 4], (n) => n, { timeout: 1000 }));
    request = undefined;
    for (let i = 0; i < 20 && ref.deref() !== undefined; i++) {
      await new Promise((resolve) => setTimeout(resolve, 10));
      global.gc();
    }
    console.log(ref.deref() === undefined ? 'gone' : 'kept');
    await pool.close();
  `,
    ['--expose-gc'],
  );
  assert.equal(stdout, 'gone\n');
});

/** Whole programs: how they end, what they print. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { script } from './support.js';

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

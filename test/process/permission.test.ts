/** Node's permissions hold in workers: a task may do no more than the program. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { script } from '../api/support.js';

const flag = process.allowedNodeEnvironmentFlags.has('--permission')
  ? '--permission'
  : '--experimental-permission';

for (const kind of ['thread', 'process'] as const) {
  test(`a ${kind} may do no more than the program`, { timeout: 60_000 }, async () => {
    const { stdout, stderr } = await script(
      `
      import { Pool } from 'simul';
      const pool = new Pool({ kind: '${kind}', workers: 1 });
      const write = async () => {
        const { writeFileSync } = await import('node:fs');
        try {
          writeFileSync('/tmp/simul-permission', '');
          return 'written';
        } catch (error) {
          return error.code;
        }
      };
      console.log(await write(), await pool.run(write));
      await pool.close();
      `,
      [flag, '--allow-fs-read=*', '--allow-worker', '--allow-child-process', '--allow-addons'],
    );
    assert.match(stdout, /^ERR_ACCESS_DENIED ERR_ACCESS_DENIED$/m, stderr);
  });

  test(`a ${kind} that may not be started is an error that says so`, { timeout: 60_000 }, async () => {
    const { stdout, stderr } = await script(
      `
      import { Pool } from 'simul';
      const pool = new Pool({ kind: '${kind}', workers: 1 });
      const error = await pool.run(() => 1).catch((reason) => reason);
      console.log(error.code, '|', error.message, '|', error.cause?.message);
      await pool.close();
      `,
      [flag, '--allow-fs-read=*'],
    );
    assert.match(stdout, /^SIMUL_ENGINE .*(restricted|disabled|allow)/m, stderr);
  });
}

/** Node's permissions hold in workers: a task may do no more than the program. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { script } from '../api/support.js';

const flag = process.allowedNodeEnvironmentFlags.has('--permission')
  ? '--permission'
  : '--experimental-permission';

const start = `
  import { Pool } from 'simul';
  const pool = new Pool({ kind: process.argv[1], workers: 1 });
`;

/** What is allowed beside reading, for each way in which a worker can be had. */
const ways = {
  thread: ['--allow-worker'],
  process: ['--allow-child-process', '--allow-addons'],
  'process without shared memory': ['--allow-child-process', '--allow-worker'],
};

for (const [name, allowed] of Object.entries(ways)) {
  const [kind] = name.split(' ') as [string];
  const run = (source: string, flags: readonly string[]): ReturnType<typeof script> =>
    script(source.replaceAll('process.argv[1]', `'${kind}'`), [flag, '--allow-fs-read=*', ...flags]);

  test(`a ${name} may do no more than the program`, { timeout: 60_000 }, async () => {
    const { stdout, stderr } = await run(
      `${start}
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
      allowed,
    );
    assert.match(stdout, /^ERR_ACCESS_DENIED ERR_ACCESS_DENIED$/m, stderr);
  });

  test(`a ${name} that may not be started is an error that says so`, { timeout: 60_000 }, async () => {
    for (const some of allowed.length === 1 ? [[]] : [[], allowed.slice(0, -1)]) {
      const { stdout, stderr } = await run(
        `${start}
        const error = await pool.run(() => 1).catch((reason) => reason);
        console.log([error.code, error.message, error.cause?.message].join(' | ').replaceAll('\\n', ' '));
        await pool.close();
        `,
        some,
      );
      assert.match(stdout, /^SIMUL_ENGINE .*(restricted|disabled|allow)/m, stderr);
    }
  });
}

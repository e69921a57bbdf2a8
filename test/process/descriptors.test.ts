/** Starts that find no open file left say so, leave none behind, and are no end of the pool. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import test from 'node:test';
import { root } from './support.js';

/** Has loaded all it needs before it uses up what it may open. */
const program = (kind: string): string => `
  import { closeSync, openSync, readdirSync } from 'node:fs';
  import { Pool } from 'simul';
  const other = new Pool({ kind: '${kind}', workers: 1, spares: 0 });
  await other.run(() => 1);
  await other.close();
  const open = () => readdirSync('/proc/self/fd').length;
  const before = open();
  const pool = new Pool({ kind: '${kind}', workers: 1, spares: 0 });
  const held = [];
  try {
    for (;;) held.push(openSync('/dev/null'));
  } catch {}
  for (let left = 0; left < 4; left++) {
    const error = await pool.run(() => 1).catch((reason) => reason);
    console.log([error.code, error.message, error.cause?.message, error.cause?.cause?.message].join(' | '));
    closeSync(held.pop());
  }
  for (const file of held) closeSync(file);
  console.log('left open', open() - before);
  console.log('then', await pool.run(() => 1));
  await pool.close();
`;

for (const [kind, memory] of [
  ['thread', 'on'],
  ['process', 'on'],
  ['process', 'off'],
] as const) {
  test(`no open file left: a ${kind} with shared memory ${memory}`, { timeout: 60_000 }, async () => {
    const shell = spawn(
      '/bin/sh',
      ['-c', 'ulimit -n 80; exec "$0" --input-type=module -e "$1"', process.execPath, program(kind)],
      {
        cwd: root,
        stdio: ['ignore', 'pipe', 'inherit'],
        env: { ...process.env, SIMUL_SHARED_MEMORY: memory },
      },
    );
    let text = '';
    shell.stdout.on('data', (chunk) => {
      text += chunk;
    });
    const [code] = await once(shell, 'close');
    const lines = text.trim().split('\n');
    assert.equal(code, 0, text);
    assert.equal(lines.length, 6, text);
    for (const line of lines.slice(0, 4)) {
      assert.match(line, /^SIMUL_ENGINE .*end before they run anything.*EMFILE/);
    }
    // Of a thread that fails to start Node 20 leaves some open, whoever starts it.
    if (kind === 'process') assert.equal(lines[4], 'left open 0');
    assert.equal(lines[5], 'then 1');
  });
}

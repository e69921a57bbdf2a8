/** How `simul map` ends early: signals, readers that leave, full disks; and how much memory it takes. */
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream, existsSync } from 'node:fs';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import test from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { main, Scratch, type Started } from './support.js';

const limits = { timeout: 60_000 };
const numbers = (count: number): string => Array.from({ length: count }, (_, i) => `${i}\n`).join('');
const MODULE = `
  export default async (n) => { await new Promise((resolve) => setTimeout(resolve, 2)); return Number(n); };
  export const stuck = (n) => { if (n === '20') for (;;); return Number(n); };
  export const big = (n) => n + 'x'.repeat(10000);
`;

async function firstOutput({ child }: Started): Promise<void> {
  await once(child.stdout!, 'data');
}

for (const [signal, status] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
  ['SIGHUP', 129],
] as const) {
  test(`${signal}: says how many were done, status ${status}, and the journal resumes`, limits, async (t) => {
    const scratch = new Scratch(t);
    scratch.write({ 'fn.mjs': MODULE, n: numbers(1500) });
    const args = ['fn.mjs', 'n', '--resume', 'journal', '--output', 'out'];
    const { child, ended } = scratch.start(['map', '--progress', 'never', ...args]);
    while (!existsSync(scratch.path('out')) || scratch.read('out') === '') await sleep(10);
    const begun = performance.now();
    child.kill(signal);
    const { code, stderr } = await ended;
    assert.ok(performance.now() - begun < 2000, 'in bounded time');
    assert.equal(code, status);
    const [, done] =
      new RegExp(
        `^simul: stopped by ${signal}; (\\d+) records done; the same command goes on from there\n$`,
      ).exec(stderr) ?? assert.fail(stderr);
    assert.equal(scratch.read('out').split('\n').length - 1, Number(done), 'what was done is written');
    const resumed = await scratch.map(args);
    assert.deepEqual(resumed, { code: 0, signal: null, stdout: '', stderr: '' });
    assert.equal(scratch.read('out'), numbers(1500));
  });
}

test('SIGINT stops a task that never ends', limits, async (t) => {
  const scratch = new Scratch(t);
  scratch.write({ 'fn.mjs': MODULE, n: numbers(1000) });
  const started = scratch.start(['map', '--progress', 'never', 'fn.mjs#stuck', 'n']);
  await firstOutput(started);
  const begun = performance.now();
  started.child.kill('SIGINT');
  const { code, stderr } = await started.ended;
  assert.ok(performance.now() - begun < 2000);
  assert.equal(code, 130);
  assert.match(stderr, /^simul: stopped by SIGINT; \d+ records done\n$/);
});

test('SIGINT while nothing comes on standard input', limits, async (t) => {
  const scratch = new Scratch(t);
  scratch.write({ 'fn.mjs': MODULE });
  const started = scratch.start(['map', '--progress', 'never', 'fn.mjs'], {
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  started.child.stdin!.write('1\n2\n');
  let out = '';
  for await (const chunk of started.child.stdout!) {
    out += String(chunk);
    if (out === '1\n2\n') break;
  }
  assert.equal(out, '1\n2\n', 'results are written while input is still to come');
  started.child.kill('SIGINT');
  const { code, stderr } = await started.ended;
  assert.equal(code, 130);
  assert.match(stderr, /2 records done/);
});

test('a signal is handled although nobody reads the output', limits, async (t) => {
  const scratch = new Scratch(t);
  scratch.write({ 'fn.mjs': MODULE, n: numbers(5000) });
  const child = spawn(process.execPath, [main, 'map', '--progress', 'json', 'fn.mjs#big', 'n'], {
    cwd: scratch.folder,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const closed = once(child, 'exit');
  // Nobody reads stdout; what is told on stderr stops growing once the pipe is full.
  let last = -1;
  for await (const chunk of child.stderr) {
    const { done } = JSON.parse(String(chunk).trim().split('\n').at(-1)!) as { done: number };
    if (done > 0 && done === last) break;
    last = done;
  }
  const begun = performance.now();
  child.kill('SIGINT');
  const [code] = (await closed) as [number];
  assert.ok(performance.now() - begun < 5000);
  assert.equal(code, 130);
});

test('a reader that leaves ends it quietly', limits, async (t) => {
  const scratch = new Scratch(t);
  scratch.write({ 'fn.mjs': MODULE, n: numbers(100_000) });
  const started = scratch.start(['map', '--progress', 'never', 'fn.mjs#big', 'n']);
  await firstOutput(started);
  started.child.stdout!.destroy();
  const { code, stderr } = await started.ended;
  assert.equal(stderr, '');
  assert.equal(code, 0);
  const shell = execFileSync(
    'bash',
    ['-c', `"$0" "$1" map --progress never fn.mjs#big n | head -c 3`, process.execPath, main],
    { cwd: scratch.folder, encoding: 'utf8' },
  );
  assert.equal(shell, '"0x');
});

test('a full disk: a clear error, status 1', { ...limits, skip: !existsSync('/dev/full') }, async (t) => {
  const scratch = new Scratch(t);
  scratch.write({ 'fn.mjs': MODULE, n: numbers(2000) });
  const { code, stderr } = await scratch.map(['fn.mjs', 'n', '--output', '/dev/full']);
  assert.equal(code, 1);
  assert.equal(
    stderr,
    'simul: /dev/full: the output cannot be written: no space is left on the device (ENOSPC)\n',
  );
});

test(
  'a disk that fills up mid-run: the journal stays right, and resumes when there is room',
  limits,
  async (t) => {
    const scratch = new Scratch(t);
    scratch.write({ 'fn.mjs': MODULE, n: numbers(1000) });
    const args = ['fn.mjs#big', 'n', '--resume', 'journal', '--output', 'out'];
    // A limit on the size of files stands in for the disk; Node ignores SIGXFSZ, so that writes fail with EFBIG.
    const limited = spawn(
      'bash',
      ['-c', `ulimit -f 2000; exec "$0" "$@"`, process.execPath, main, 'map', ...args],
      {
        cwd: scratch.folder,
        stdio: ['ignore', 'ignore', 'pipe'],
      },
    );
    let stderr = '';
    limited.stderr.on('data', (chunk) => {
      stderr += chunk;
    });
    const [code] = (await once(limited, 'close')) as [number];
    assert.match(stderr, /out: the output cannot be written: .*; the same command goes on from there\n$/);
    assert.equal(code, 1);
    const resumed = await scratch.map(args);
    assert.deepEqual(resumed, { code: 0, signal: null, stdout: '', stderr: '' });
    const whole = await scratch.map(['fn.mjs#big', 'n']);
    assert.equal(scratch.read('out'), whole.stdout);
  },
);

test('an input of 100 MB, in each format, with a heap of 64 MB', { timeout: 240_000 }, async (t) => {
  const scratch = new Scratch(t);
  const row = 'x'.repeat(2000);
  const count = 50_000;
  scratch.write({ 'fn.mjs': 'export default (record) => JSON.stringify(record).length;' });
  for (const [name, head, line, tail] of [
    ['in.txt', '', `${row}\n`, ''],
    ['in.csv', 'name,n\n', `"${row}",1\n`, ''],
    ['in.ndjson', '', `{"name":"${row}"}\n`, ''],
    ['in.json', '[', `{"name":"${row}"},\n`, '{}]'],
  ] as const) {
    const pieces = function* () {
      yield head;
      for (let i = 0; i < count; i += 100) yield line.repeat(100);
      yield tail;
    };
    await pipeline(Readable.from(pieces()), createWriteStream(scratch.path(name)));
    const { ended } = scratch.start(['map', '--progress', 'never', 'fn.mjs', name, '--output', 'out'], {
      nodeArgs: ['--max-old-space-size=64'],
    });
    const { code, stderr } = await ended;
    assert.equal(stderr, '', name);
    assert.equal(code, 0, name);
    const lines = scratch.read('out').split('\n').length - 1;
    assert.equal(lines, count + (name === 'in.json' ? 1 : 0), name);
    execFileSync('rm', [scratch.path(name)]);
  }
});

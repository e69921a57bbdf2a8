/** One run at a time for a journal, and never a lock that nobody holds. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { hostname } from 'node:os';
import test from 'node:test';
import { fileURLToPath } from 'node:url';
import { processMark } from '#simul/cli/process-mark.js';
import { Scratch } from './support.js';

const limits = { timeout: 60_000 };
const args = ['fn.mjs', 'n', '--resume', 'journal', '--output', 'out'];

/** The function tells that it runs by a file, and waits for another. */
function files(scratch: Scratch): void {
  scratch.write({
    'fn.mjs': `import { existsSync, writeFileSync } from 'node:fs';
      export default async (line) => {
        if (line === '1') {
          writeFileSync('runs', '');
          while (!existsSync('go')) await new Promise((resolve) => setTimeout(resolve, 2));
        }
        return line;
      };`,
    n: '1\n2\n3\n',
  });
}

async function running(scratch: Scratch): Promise<ReturnType<Scratch['start']>> {
  const started = scratch.start(['map', '--progress', 'never', ...args]);
  let over = false;
  void started.ended.then(() => {
    over = true;
  });
  while (!existsSync(scratch.path('runs')) && !over) await new Promise((resolve) => setTimeout(resolve, 2));
  assert.equal(over, false);
  return started;
}

test('a second run with the same journal is refused, and the first goes on', limits, async (t) => {
  const scratch = new Scratch(t);
  files(scratch);
  const { child, ended } = await running(scratch);
  const journal = scratch.read('journal');
  const second = await scratch.map(args);
  assert.equal(second.code, 2);
  assert.match(
    second.stderr,
    new RegExp(`journal is in use: another run has this journal, process ${child.pid}\n`),
  );
  assert.equal(scratch.read('journal'), journal);
  // By another name too.
  const again = await scratch.map([
    ...args.slice(0, 3),
    `${scratch.folder}/../${scratch.folder.split('/').at(-1)}/journal`,
    ...args.slice(4),
  ]);
  assert.match(again.stderr, /is in use/);
  scratch.write({ go: '' });
  const first = await ended;
  assert.equal(first.stderr, '');
  assert.equal(first.code, 0);
  assert.equal(scratch.read('out'), '"1"\n"2"\n"3"\n');
  assert.deepEqual(readdirSync(scratch.folder).sort(), ['fn.mjs', 'go', 'journal', 'n', 'out', 'runs']);
});

test('the lock of a killed run is taken over', limits, async (t) => {
  const scratch = new Scratch(t);
  files(scratch);
  const { child, ended } = await running(scratch);
  child.kill('SIGKILL');
  await ended;
  assert.ok(existsSync(scratch.path('journal.lock')));
  scratch.write({ go: '' });
  const { code, stderr } = await scratch.map(args);
  assert.equal(stderr, '');
  assert.equal(code, 0);
  assert.equal(existsSync(scratch.path('journal.lock')), false);
});

test('a process that has the id of a dead one does not keep its lock', limits, async (t) => {
  const scratch = new Scratch(t);
  files(scratch);
  scratch.write({ go: '' });
  const holder = { id: 'x', pid: process.pid, mark: processMark(process.pid), host: hostname() };
  scratch.write({ 'journal.lock': JSON.stringify(holder) });
  const held = await scratch.map(args);
  assert.match(held.stderr, new RegExp(`is in use: .*, process ${process.pid}\n`));
  assert.equal(held.code, 2);
  scratch.write({ 'journal.lock': JSON.stringify({ ...holder, mark: `${holder.mark}0` }) });
  const { code } = await scratch.map(args);
  assert.equal(code, 0);
});

test('a lock from another machine, or no lock at all, is not removed', limits, async (t) => {
  const scratch = new Scratch(t);
  files(scratch);
  scratch.write({ 'journal.lock': JSON.stringify({ id: 'x', pid: 1, mark: 'm', host: 'elsewhere' }) });
  const other = await scratch.map(args);
  assert.match(other.stderr, /process 1 on elsewhere; if that has ended, remove .*journal\.lock/);
  scratch.write({ 'journal.lock': 'text' });
  assert.match((await scratch.map(args)).stderr, /journal\.lock is no lock of simul map/);
  assert.equal(scratch.read('journal.lock'), 'text');
});

test('of many that take over a stale lock at once, one has it', limits, async (t) => {
  const scratch = new Scratch(t);
  const module = fileURLToPath(import.meta.resolve('#simul/cli/journal-lock.js'));
  // Each says whether it has the lock, and keeps it until all have said so.
  const source = `const { lockJournal } = await import(${JSON.stringify(module)});
    process.stdout.write('.');
    process.stdin.once('data', () => {
      try { lockJournal('journal'); process.stdout.write('y'); } catch { process.stdout.write('n'); }
      process.stdin.once('data', () => process.exit());
    });`;
  const stale = { id: 'stale', pid: process.pid, mark: 'long ago', host: hostname() };
  scratch.write({ 'journal.lock': JSON.stringify(stale) });
  const children = Array.from({ length: 6 }, () =>
    spawn(process.execPath, ['--input-type=module', '-e', source], {
      cwd: scratch.folder,
      stdio: ['pipe', 'pipe', 'inherit'],
    }),
  );
  const next = (): Promise<string[]> =>
    Promise.all(
      children.map(
        (child) =>
          new Promise<string>((resolve) => child.stdout.once('data', (data) => resolve(String(data)))),
      ),
    );
  await next();
  const answers = next();
  for (const child of children) child.stdin.write('now');
  assert.deepEqual((await answers).sort(), ['n', 'n', 'n', 'n', 'n', 'y']);
  const ends = children.map((child) => new Promise((resolve) => child.once('close', resolve)));
  for (const child of children) child.stdin.write('end');
  await Promise.all(ends);
  assert.deepEqual(readdirSync(scratch.folder), []);
});

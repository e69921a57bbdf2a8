/** `--resume`: a run killed at any moment goes on, no record twice, none missing. */
import assert from 'node:assert/strict';
import {
  appendFileSync,
  existsSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  utimesSync,
} from 'node:fs';
import test from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Scratch } from './support.js';

const RECORDS = 6000;
/** Every 50th fails; times vary, so that without an order there are gaps. */
const MODULE = `
  export default async (line, index) => {
    await new Promise((resolve) => setTimeout(resolve, (index * 7919) % 5));
    if (index % 50 === 7) throw new Error('fails');
    return { line, index, text: 'ü,"' + 'x'.repeat(index % 40) };
  };
`;
const quick = MODULE.replace(/await new Promise.*\n/, '\n');

function files(): Record<string, string> {
  const lines = Array.from({ length: RECORDS }, (_, i) => `line ${i}\n`);
  return {
    'slow.mjs': MODULE,
    'quick.mjs': quick,
    'a.txt': lines.slice(0, 1000).join(''),
    'b.csv': `line\n${lines.slice(1000, 2000).join('')}`,
    'c.txt': lines.slice(2000).join(''),
  };
}
const inputs = ['a.txt', 'b.csv', 'c.txt'];
const failures = RECORDS / 50;

interface Contents {
  readonly checkpoint: { readonly length: number; readonly written: number; readonly failed: number };
}

function journal(scratch: Scratch): Contents['checkpoint'] | undefined {
  if (!existsSync(scratch.path('journal'))) return undefined;
  return (JSON.parse(scratch.read('journal')) as Contents).checkpoint;
}

const KILLS = 22;

/** Kills the command at random moments, then lets it end; gives how often, and what the last one told. */
async function killed(
  scratch: Scratch,
  args: readonly string[],
): Promise<{ kills: number; code: number; stderr: string }> {
  let kills = 0;
  for (;;) {
    const { child, ended } = scratch.start(['map', '--progress', 'never', ...args]);
    let over = false;
    void ended.then(() => {
      over = true;
    });
    // Most kills hit a run at work, some its start: as often as that there is nothing to hit yet.
    if (kills < KILLS) {
      await sleep(150 + Math.random() * 750);
      if (!over) child.kill('SIGKILL');
    }
    const { code, signal, stderr } = await ended;
    if (signal !== 'SIGKILL') return { kills, code: code!, stderr };
    kills += 1;
    const { checkpoint } = existsSync(scratch.path('journal'))
      ? (JSON.parse(scratch.read('journal')) as Contents)
      : { checkpoint: undefined };
    if (checkpoint !== undefined) {
      assert.ok(
        statSync(scratch.path(args.at(-1)!)).size >= checkpoint.length,
        'what the journal says is written',
      );
    }
  }
}

test('killed again and again', { timeout: 240_000, concurrency: 3 }, async (t) => {
  const run = async (name: string, output: string, order: readonly string[]): Promise<void> =>
    t.test(name, async (part) => {
      const scratch = new Scratch(part);
      scratch.write(files());
      const common = [...order, ...inputs, '--workers', '2'];
      const whole = await scratch.map(['quick.mjs', ...common, '--output', `whole-${output}`]);
      assert.equal(whole.code, 1);
      const args = ['slow.mjs', ...common, '--resume', 'journal', '--output', output];
      const { kills, code, stderr } = await killed(scratch, args);
      assert.ok(kills >= 20, `killed ${kills} times`);
      assert.equal(code, 1);
      assert.match(stderr, new RegExp(`simul: ${failures} of ${RECORDS} records failed\n$`));
      const [got, expected] = [output, `whole-${output}`].map((file) => scratch.read(file));
      if (order.length === 0) assert.equal(got, expected);
      else assert.deepEqual(got!.split('\n').sort(), expected!.split('\n').sort());
      const again = await scratch.map(args);
      assert.match(again.stderr, /all is done already: 5880 results are in .*, 120 records failed/);
      assert.equal(again.code, 1);
      assert.equal(scratch.read(output), got);
      assert.equal(existsSync(scratch.path('journal.tmp')), false);
    });
  await Promise.all([
    run('in order, .csv', 'out.csv', []),
    run('in order, .json', 'out.json', []),
    run('unordered, .ndjson', 'out.ndjson', ['--unordered']),
  ]);
});

const limits = { timeout: 60_000 };
/** In s: a time that can be set again exactly. */
const TIME = 1_700_000_000;

/** A run that stops by --halt in its middle, with a journal: the cheapest interrupted run. */
async function halted(scratch: Scratch): Promise<readonly string[]> {
  scratch.write({
    'deep.mjs': 'export const word = "not";',
    'helper.mjs': "export * from './deep.mjs';",
    'fn.mjs': `import { existsSync } from 'node:fs';
      import { word } from './helper.mjs';
      export default (n) => { if (n === '30' && !existsSync('fixed')) throw new Error(word + ' yet'); return n; };
      export const other = (n) => n;`,
    n: Array.from({ length: 50 }, (_, i) => `${i + 1}\n`).join(''),
  });
  utimesSync(scratch.path('n'), TIME, TIME);
  const args = ['fn.mjs', 'n', '--halt', '--resume', 'journal', '--output', 'out'];
  const { code, stderr } = await scratch.map(args);
  assert.equal(code, 1);
  assert.match(stderr, /29 records done; the same command goes on from there\n$/);
  return args;
}

test('the record that --halt stopped at is tried again, and is the first', limits, async (t) => {
  const scratch = new Scratch(t);
  const args = await halted(scratch);
  assert.equal((await scratch.map(args)).code, 1);
  assert.equal(journal(scratch)!.written, 29);
  scratch.write({ fixed: '' });
  const { code, stderr } = await scratch.map(args);
  assert.equal(stderr, '');
  assert.equal(code, 0);
  assert.deepEqual(scratch.read('out'), Array.from({ length: 50 }, (_, i) => `"${i + 1}"\n`).join(''));
});

test('it refuses what is no longer the same run, and says what', limits, async (t) => {
  const scratch = new Scratch(t);
  const args = await halted(scratch);
  const [, , ...options] = args;
  const before = { out: scratch.read('out'), journal: scratch.read('journal') };
  const refuses = async (what: RegExp, given: readonly string[]): Promise<void> => {
    const { code, stderr } = await scratch.map(given);
    assert.match(stderr, what);
    assert.equal(code, 2);
    assert.deepEqual({ out: scratch.read('out'), journal: scratch.read('journal') }, before);
  };
  scratch.write({ m: '1\n' });
  await refuses(/EXPORT was default and is other/, ['fn.mjs#other', 'n', ...options]);
  await refuses(/the number of inputs was 1 and is 2/, ['fn.mjs', 'n', 'm', ...options]);
  await refuses(/input 1 was .*\/n and is .*\/m\b/, ['fn.mjs', 'm', ...options]);
  await refuses(/the format of .*\/n was lines and is ndjson/, [...args, '--format', 'ndjson']);
  await refuses(/it did not have --unordered/, [...args, '--unordered']);
  await refuses(/--output was .*\/out and is .*\/out\.csv/, [...args, '--output', 'out.csv']);
  scratch.write({ 'copy.mjs': scratch.read('fn.mjs') });
  await refuses(/MODULE was .*fn\.mjs and is .*copy\.mjs/, ['copy.mjs', 'n', ...options]);

  utimesSync(scratch.path('n'), TIME, TIME + 5);
  await refuses(/\/n has changed since/, args);
  utimesSync(scratch.path('n'), TIME, TIME);
  const module = scratch.read('fn.mjs');
  appendFileSync(scratch.path('fn.mjs'), '// changed');
  await refuses(/fn\.mjs has changed since/, args);
  scratch.write({ 'fn.mjs': module });
  for (const name of ['helper.mjs', 'deep.mjs']) {
    const imported = scratch.read(name);
    appendFileSync(scratch.path(name), '// changed');
    await refuses(new RegExp(`another run: .*${name} has changed since\\. Undo`), args);
    scratch.write({ [name]: imported });
  }
  const text = before.journal;
  before.journal = '{"half';
  scratch.write({ journal: before.journal });
  await refuses(/journal is no journal of simul map/, args);
  before.journal = text.replace('"simulJournal":2', '"simulJournal":99');
  scratch.write({ journal: before.journal });
  await refuses(/a journal of another version/, args);
  scratch.write({ journal: text });
  before.journal = text;
  truncateSync(scratch.path('out'), 10);
  before.out = scratch.read('out');
  await refuses(/out is shorter than journal says/, args);
  rmSync(scratch.path('out'));
  const gone = await scratch.map(args);
  assert.equal(gone.code, 2);
  assert.match(gone.stderr, /out: the output cannot be opened: there is no such file/);
  assert.equal(scratch.read('journal'), text);
});

test('workers, retries and timeouts may change; an empty journal is a new one', limits, async (t) => {
  const scratch = new Scratch(t);
  const args = await halted(scratch);
  scratch.write({ fixed: '' });
  const { code } = await scratch.map([...args, '--workers', '1', '--retries', '2', '--timeout', '5000']);
  assert.equal(code, 0);
  const out = readFileSync(scratch.path('out'), 'utf8');
  scratch.write({ empty: '' });
  const fresh = await scratch.map(['fn.mjs', 'n', '--resume', 'empty', '--output', 'out']);
  assert.equal(fresh.code, 0);
  assert.equal(scratch.read('out'), out);
});

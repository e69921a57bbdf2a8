/** What a program loads when, which is most of what its start costs. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { basename } from 'node:path';
import test from 'node:test';

interface Loaded {
  /** Files of CommonJS. */
  readonly files: readonly string[];
  readonly builtins: readonly string[];
}

const PROGRAM = `
const loaded = () => ({
  files: Object.keys(process.getBuiltinModule('node:module').createRequire('/').cache),
  builtins: process.moduleLoadList.filter((name) => name.startsWith('NativeModule ')).map((name) => name.slice(13)),
});
const before = loaded();
const { run } = await import('${import.meta.resolve('simul')}');
const imported = loaded();
const factor = 2;
const product = await run((x) => x * factor, 21);
const called = loaded();
const worker = await run(() => {
  const cache = process.getBuiltinModule('node:module').createRequire('/').cache;
  return {
    files: Object.keys(cache),
    builtins: process.moduleLoadList.filter((name) => name.startsWith('NativeModule ')).map((name) => name.slice(13)),
  };
});
console.log(JSON.stringify({ before, imported, product, called, worker }));
`;

type Moment = 'before' | 'imported' | 'called' | 'worker';

type Told = Readonly<Record<Moment, Loaded>> & { readonly product: number };
let told: Told | undefined;

function moments(): Told {
  if (told === undefined) {
    const args = ['--input-type=module', '--eval', PROGRAM];
    const { stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
    assert.equal(stderr, '');
    told = JSON.parse(stdout) as Told;
    assert.equal(told.product, 42);
  }
  return told;
}

const names = ({ files }: Loaded): string[] => files.map((file) => basename(file)).sort();
/** What most programs never need, or need later than the first line. */
const HEAVY = ['inspector', 'crypto', 'v8', 'os', 'child_process', 'http', 'net', 'repl'];
const heavy = ({ builtins }: Loaded): string[] => HEAVY.filter((name) => builtins.includes(name));

test('the import loads three files, no parser and no inspector', () => {
  const { before, imported } = moments();
  assert.deepEqual(names(before), []);
  assert.deepEqual(names(imported), ['api.cjs', 'core.cjs', 'index.cjs']);
  assert.deepEqual(heavy(imported), heavy(before));
});

test('the first call loads what reads functions', () => {
  const { called } = moments();
  assert.deepEqual(names(called), ['acorn.js', 'api.cjs', 'core.cjs', 'index.cjs', 'read-function.cjs']);
  assert.ok(heavy(called).includes('inspector'));
});

test('a worker loads two files, and nothing that reads functions', () => {
  const { before, worker } = moments();
  assert.deepEqual(names(worker), ['core.cjs', 'thread-entry.cjs']);
  assert.deepEqual(heavy(worker), heavy(before));
});

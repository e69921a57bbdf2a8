import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);
const codec = import.meta.resolve('#simul/codec/closure/index.js');
const helper = new URL('./round-trip.js', import.meta.url).href;
let folder = '';

const files: Record<string, string> = {
  'lib.mjs': `
    import { sep } from 'node:path';
    export const twice = (x) => x * 2 + sep.length;
    export default (x) => x + 1;
    const hidden = (x) => twice(x);
    export { hidden as shown };
    export const inner = (x) => () => hidden(x);`,
  'named.mjs': 'export default class Named { hi() { return 1; } }',
  'late.mjs': 'export const f = () => 1; globalThis.seen = globalThis.read(f); export default 1;',
  'awaits.mjs': 'export const f = () => 1; await 0;',
  'lib.cjs': `
    const os = require('os'); const { join } = require('node:path'); const other = require('./other.cjs');
    exports.plain = () => 1;
    exports.uses = () => () => [os.EOL, join('a', 'b'), other.value, __filename, __dirname, typeof require('fs').readFileSync, exports.plain(), module.exports.plain()];`,
  'other.cjs': 'exports.value = 7; exports.make = () => () => 1;',
  'whole.cjs': 'module.exports = () => 2;',
  'compiled.cjs': `
    "use strict";
    var __toESM = (mod) => Object.assign(Object.create(Object.getPrototypeOf(mod)), mod, { default: mod });
    var import_node_os = __toESM(require('node:os')); const os_1 = require('os'); const path_1 = { default: require('path') };
    exports.make = () => () => [import_node_os.EOL, import_node_os.default.EOL, (0, os_1.type)(), path_1.default.sep];`,
  'main.mjs': `
    import { readFunction } from '${codec}'; import { roundTrip } from '${helper}';
    import { strict as assert } from 'node:assert'; import { createRequire } from 'node:module';
    import * as lib from './lib.mjs'; import standard from './lib.mjs'; import Named from './named.mjs';
    import common from './lib.cjs'; import whole from './whole.cjs'; import compiled from './compiled.cjs';
    globalThis.read = (f) => readFunction(f).kind;
    export const own = () => 1;
    const kind = (f) => readFunction(f).kind;
    assert.equal(kind(own), 'code');
    assert.deepEqual(readFunction(lib.twice), { kind: 'export', module: { specifier: new URL('./lib.mjs', import.meta.url).href }, name: 'twice' });
    assert.equal(readFunction(standard).name, 'default');
    assert.equal(readFunction(Named).name, 'default');
    assert.equal(readFunction(lib.shown).name, 'shown');
    assert.equal(kind(lib.inner(1)), 'code');
    assert.equal((await roundTrip(lib.inner(1)))(), 3);
    assert.equal(await roundTrip(lib.twice), lib.twice);
    assert.equal(readFunction(common.plain).name, 'plain');
    assert.equal(readFunction(whole).name, '=');
    assert.equal(await roundTrip(whole), whole);
    assert.deepEqual((await roundTrip(common.uses()))(), common.uses()());
    assert.equal(readFunction(common.uses()).captures.filter((c) => typeof c.value !== 'function').length, 0);
    assert.deepEqual((await roundTrip(compiled.make()))(), compiled.make()());
    assert.deepEqual(readFunction(compiled.make()).captures, []);
    await import('./late.mjs'); assert.equal(globalThis.seen, 'code');
    const late = await import('./late.mjs');
    const awaits = await import('./awaits.mjs'); assert.equal(kind(awaits.f), 'code');
    const fn = () => [lib.twice(1), standard(1), new Named().hi(), whole(), lib];
    assert.deepEqual((await roundTrip(fn))(), fn());
    assert.equal(readFunction(fn).captures.length, 0);
    assert.deepEqual(readFunction(fn).code.imports.map((i) => i.imported), ['*', 'default', 'default', 'default']);
    const _named = { a: 5 };
    assert.deepEqual(readFunction(() => _named.a).captures, [{ name: '_named', value: { a: 5 } }]);
    console.log('top level');
    console.log('ok');`,
  'bare.mjs': `
    import { readFunction } from '${codec}';
    const k = 1;
    const reading = readFunction((x) => Math.sqrt(x) + parseInt('1') + x);
    console.log(reading.kind, reading.code.line, reading.code.file === import.meta.url);
    try { readFunction((x) => x + k); } catch (error) { console.log(error.name, error.message); }`,
};

before(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), 'simul-closure-')));
  await Promise.all(Object.entries(files).map(([name, text]) => writeFile(join(folder, name), text)));
});
after(() => rm(folder, { recursive: true, force: true }));

async function node(...args: string[]): Promise<string> {
  const { stdout, stderr } = await run(process.execPath, args, { cwd: folder });
  assert.doesNotMatch(stderr, /USE_MAIN_CONTEXT/);
  return stdout;
}

test('exports, imports and compiled imports of files', async () => {
  assert.equal(await node('main.mjs'), 'top level\nok\n');
});

test('the same in a worker thread', async () => {
  const start = `new (require('node:worker_threads').Worker)(new URL(${JSON.stringify(pathToFileURL(join(folder, 'main.mjs')).href)}))`;
  assert.equal(await node('-e', start), 'top level\nok\n');
});

test('node -e, both module systems', async () => {
  const body = `const k = 2; const f = (x) => x + k; console.log((await roundTrip(f))(1), (await roundTrip((y) => f(y) + process.pid * 0))(2))`;
  const esm = `import { roundTrip } from '${helper}'; ${body}`;
  assert.equal(await node('--input-type=module', '-e', esm), '3 4\n');
  assert.equal(await node('-e', `import('${helper}').then(async ({ roundTrip }) => { ${body} })`), '3 4\n');
});

test('--permission: functions without captures travel, others say why not', async () => {
  const flag = process.allowedNodeEnvironmentFlags.has('--permission')
    ? '--permission'
    : '--experimental-permission';
  const output = await node(flag, '--allow-fs-read=*', 'bare.mjs');
  assert.match(
    output,
    /^code 3 true\nSerializationError .*`k`.*inspector.*--permission.*--allow-inspector.*arguments/s,
  );
});

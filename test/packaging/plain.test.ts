/** The program under Node alone: ES modules, CommonJS, and TypeScript whose types Node strips. */
import assert from 'node:assert/strict';
import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import test, { before } from 'node:test';
import { checkRun, placesIn, programFiles } from './program.js';
import { Home, node, scratch, write } from './support.js';

let home: Home;
before(async () => {
  home = await Home.install();
});

test('ES modules', async () => {
  const files = await programFiles({ language: 'esm', ending: '.js' });
  const cwd = await home.project('esm', { type: 'module', files });
  checkRun(await node(['program.js'], { cwd }), placesIn(files));
});

test('CommonJS', async () => {
  const files = await programFiles({ language: 'cjs', ending: '.js' });
  const cwd = await home.project('cjs', { type: 'commonjs', files });
  checkRun(await node(['program.js'], { cwd }), placesIn(files));
});

const strips = (process.features as { typescript?: string | false }).typescript;

test('native type stripping', {
  skip: strips ? false : 'this Node strips no types without a flag',
}, async () => {
  const files = await programFiles({ language: 'ts', ending: '.ts', enums: false });
  const cwd = await home.project('native', { type: 'module', files });
  checkRun(await node(['program.ts'], { cwd }), placesIn(files));
});

test('CommonJS as written by hand', async () => {
  const files = { 'program.js': handWritten, 'lib.js': 'exports.twice = (n) => n * 2;\n' };
  const cwd = await home.project('by-hand', { type: 'commonjs', files });
  const { code, stdout, stderr } = await node(['program.js'], { cwd });
  assert.equal(stderr, '');
  assert.deepEqual(stdout.trim().split('\n'), [
    'top level',
    '[ 12, 14 ]',
    "[ 'a', '<b>', 'C!' ]",
    "[ 'program.js', 'by-hand', 6, 'function' ]",
    '[ 2, 4 ]',
    'SIMUL_SERIALIZATION',
  ]);
  assert.equal(code, 0);
});

const handWritten = `
const { basename } = require('node:path');
const esm = require('esm-lib');
const cjs = require('cjs-lib');
const { map, run } = require('simul');
const lib = require('./lib');

console.log('top level');
exports.double = (n) => n * 2;
const offset = 10;

async function main() {
  console.log(await map([1, 2], (n) => lib.twice(n) + offset));
  console.log(await run(() => [esm.whisper('A'), esm.default('b'), cjs.shout('c')]));
  console.log(await run(() => [basename(__filename), basename(__dirname), require('./lib').twice(3), typeof module.require]));
  console.log(await map([1, 2], exports.double));
  console.log(await run(() => module.exports.double(1)).catch((error) => error.code));
}
main();
`;

test('a plain program loads neither the inspector before it is needed nor the packages for TypeScript and CSV', async () => {
  const cwd = await scratch();
  for (const name of ['simul', 'acorn']) {
    await cp(join(home.folder, 'node_modules', name), join(cwd, 'node_modules', name), { recursive: true });
  }
  await write(cwd, {
    'program.mjs': `
      import { map } from 'simul';
      const inspector = () => process.moduleLoadList.includes('NativeModule inspector');
      const before = inspector();
      const factor = 2;
      console.log(before, await map([1, 2], (n) => n * factor), inspector());
    `,
  });
  const { code, stdout, stderr } = await node(['program.mjs'], { cwd });
  assert.equal(stderr, '');
  assert.equal(stdout, 'false [ 2, 4 ] true\n');
  assert.equal(code, 0);
});

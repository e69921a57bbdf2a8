/** What is in the tarball, and what publint and are-the-types-wrong say of it. */
import assert from 'node:assert/strict';
import { readdir, readFile, stat } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { before } from 'node:test';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';
import { bin, execute, pack, root, scratch, succeed } from './support.js';

/** All code there is: a program loads the first few at its start, the others where they are needed. */
const CODE = [
  'index.js',
  'index.cjs',
  'api.cjs',
  'core.cjs',
  'thread-entry.cjs',
  // Late: to read functions; in workers, the API and TypeScript; where no file of the worker is left.
  'read-function.cjs',
  'pipe.cjs',
  'private-names.cjs',
  'process-channel.cjs',
  'process.cjs',
  'self-by-name.cjs',
  'shared-memory.cjs',
  'socket-reader.cjs',
  'typescript.cjs',
  'hooks.js',
  'thread-source.js',
  'progress/index.js',
  'progress/index.cjs',
  'cli/main.js',
  'cli/main.cjs',
]
  .map((name) => `dist/${name}`)
  .sort();

let folder = '';
let tarball = '';
let names: string[] = [];

before(async () => {
  folder = await scratch();
  tarball = await pack(folder);
  await succeed('tar', ['-xzf', tarball], { cwd: folder });
  const entries = await readdir(join(folder, 'package'), { recursive: true, withFileTypes: true });
  names = entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(join(folder, 'package/').length));
});

test('it holds what it should and nothing else', async () => {
  const strangers = names.filter(
    (name) => !/^(?:dist\/.+\.(?:c?js|d\.ts)|README\.md|LICENSE|CHANGELOG\.md|package\.json)$/.test(name),
  );
  assert.deepEqual(strangers, []);
  for (const name of ['README.md', 'LICENSE', 'package.json', 'dist/index.js', 'dist/index.d.ts']) {
    assert.ok(names.includes(name), name);
  }
  // What has no source was left behind by an older build.
  for (const name of names.filter((file) => file.endsWith('.d.ts'))) {
    const source = name.replace(/^dist/, 'src').replace(/\.d\.ts$/, '.ts');
    await assert.doesNotReject(stat(join(root, source)), `${name} has no source`);
  }
  assert.deepEqual(names.filter((name) => /^dist\/.+\.c?js$/.test(name)).sort(), CODE);
});

test('everything that is exported is there', async () => {
  const { exports } = JSON.parse(await readFile(join(folder, 'package/package.json'), 'utf8')) as {
    exports: Record<string, string | Record<string, string>>;
  };
  const targets = Object.values(exports).flatMap((target) =>
    typeof target === 'string' ? [target] : Object.values(target),
  );
  for (const target of targets) assert.ok(names.includes(target.replace(/^\.\//, '')), target);
});

test('no file names a place of this machine', async () => {
  const places = [root, homedir(), tmpdir(), folder]
    .map((place) => place.replace(/\/$/, ''))
    .filter((place) => place.length > 1);
  // Folders that any text may name; a path below them would be this machine's.
  const patterns = places.map((place) => new RegExp(`${place.replace(/[.*+?^$(){}|[\]\\]/g, '\\$&')}/\\w`));
  for (const name of names) {
    const text = await readFile(join(folder, 'package', name), 'utf8');
    for (const pattern of patterns) assert.doesNotMatch(text, pattern, name);
    assert.doesNotMatch(text, /file:\/\/\/\w/, name);
  }
});

test('it is small', async () => {
  const { size } = await stat(tarball);
  assert.ok(size < 500_000, `${size} bytes packed`);
  const sizes = await Promise.all(
    names.map(async (name) => (await stat(join(folder, 'package', name))).size),
  );
  const unpacked = sizes.reduce((sum, each) => sum + each, 0);
  assert.ok(unpacked < 2_000_000, `${unpacked} bytes unpacked`);
});

test('publint finds nothing', async () => {
  const { messages, pkg } = await publint({ pkgDir: join(folder, 'package'), pack: false, strict: true });
  assert.deepEqual(
    messages.map((message) => formatMessage(message, pkg ?? {})),
    [],
  );
});

/**
 * The package has ES modules only: `require` loads them on every Node.js that it supports. The profile `node16` leaves
 * out TypeScript's resolution of before `exports`, which knows no subpaths; the rule says that CommonJS gets an ES
 * module, which is so by design.
 */
test('are-the-types-wrong finds nothing', async () => {
  const args = [await bin('@arethetypeswrong/cli', 'attw'), tarball];
  const { code, stdout } = await execute(
    process.execPath,
    [...args, '--profile', 'node16', '--ignore-rules', 'cjs-resolves-to-esm', '--no-color', '--no-emoji'],
    { cwd: folder },
  );
  assert.equal(code, 0, stdout);
});

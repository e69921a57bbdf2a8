/** Walks the imports of src/ against the floors: downwards only, through a folder's index. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import test from 'node:test';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '../..');
const src = join(root, 'src');

const FLOORS: Record<string, number> = {
  errors: 0,
  util: 0.5,
  memory: 1,
  codec: 1,
  protocol: 2,
  worker: 3,
  transport: 4,
  engine: 5,
  api: 6,
  progress: 8,
  cli: 8.5,
  testing: 8,
  index: 9,
  'self-by-name': 9.5,
  'thread-source': 0,
  'thread-entry': 10,
};

function* files(folder: string): Generator<string> {
  for (const name of readdirSync(folder)) {
    const path = join(folder, name);
    if (statSync(path).isDirectory()) yield* files(path);
    else if (name.endsWith('.ts')) yield path;
  }
}

function imports(file: string): string[] {
  const text = readFileSync(file, 'utf8');
  return [...text.matchAll(/(?:from|import\()\s*'(\.{1,2}\/[^']+)'/g)].map((match) => match[1]!);
}

const room = (path: string): string => relative(src, path).split('/')[0]!.replace(/\.ts$/, '');

test('imports go downwards, through a folder’s index', () => {
  for (const file of files(src)) {
    const from = room(file);
    assert.ok(from in FLOORS, `${from} has a floor`);
    for (const specifier of imports(file)) {
      const target = join(dirname(file), specifier.replace(/\.js$/, '.ts'));
      const to = room(target);
      if (to === from) continue;
      const name = `${relative(root, file)} → ${specifier}`;
      assert.ok(to in FLOORS, name);
      assert.ok(
        FLOORS[to]! < FLOORS[from]!,
        `${name}: floor ${FLOORS[from]} may not import floor ${FLOORS[to]}`,
      );
      const inner = relative(join(src, to), target);
      // A file beside the folders; a folder's index, or that of a folder in it; util has no index of its own.
      const open = inner.startsWith('..') || to === 'util' || /^(?:[\w-]+\/)?index\.ts$/.test(inner);
      assert.ok(open, `${name}: goes past the index`);
    }
  }
});

test('ARCHITECTURE.md has every place in src, on its floor', () => {
  const text = readFileSync(join(root, 'ARCHITECTURE.md'), 'utf8');
  const rows = [...text.matchAll(/^\| (\d+) +\| `src\/([\w-]+)(?:\/|\.ts)` +\|/gm)];
  const told = Object.fromEntries(rows.map(([, floor, place]) => [place!, Number(floor)]));
  const places = [...new Set([...files(src)].map(room))].sort();
  assert.deepEqual(Object.keys(told).sort(), places);
  for (const place of places) assert.equal(told[place], Math.floor(FLOORS[place]!), place);
});

test('ARCHITECTURE.md has every dependency', () => {
  const text = readFileSync(join(root, 'ARCHITECTURE.md'), 'utf8');
  const { dependencies, optionalDependencies, devDependencies } = JSON.parse(
    readFileSync(join(root, 'package.json'), 'utf8'),
  ) as {
    dependencies: Record<string, string>;
    optionalDependencies: Record<string, string>;
    devDependencies: Record<string, string>;
  };
  const named = [...text.matchAll(/^\| ([^|]+) \|/gm)].flatMap(([, cell]) => cell!.trim().split(', '));
  for (const name of Object.keys({ ...dependencies, ...optionalDependencies, ...devDependencies }))
    assert.ok(named.includes(name), name);
});

test('a test file sees the package or its inner modules, not both: each has state of its own', () => {
  const seen = (file: string, done = new Set<string>()): Set<string> => {
    if (done.has(file)) return done;
    done.add(file);
    const text = readFileSync(file, 'utf8');
    const imports = /^(?:import|export|\}) .*from '(#?simul\b|\.{1,2}\/[^']+)/gm;
    for (const [, specifier = ''] of text.matchAll(imports)) {
      if (!specifier.startsWith('.')) done.add(specifier);
      else seen(join(dirname(file), specifier.replace(/\.js$/, '.ts')), done);
    }
    return done;
  };
  for (const file of files(join(root, 'test'))) {
    if (!file.endsWith('.test.ts') || file.includes('/packaging/')) continue;
    const names = seen(file);
    assert.ok(!(names.has('simul') && names.has('#simul')), relative(root, file));
  }
});

test('Atomics are touched in one file', () => {
  for (const file of files(src)) {
    if (file.endsWith('memory/atomics.ts')) continue;
    const code = readFileSync(file, 'utf8').replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '');
    assert.ok(!/\bAtomics\s*\./.test(code), relative(root, file));
  }
});

test('files are short, the entry is tiny', () => {
  for (const file of files(src)) {
    const lines = readFileSync(file, 'utf8').split('\n').length;
    assert.ok(
      lines <= (file.endsWith('thread-entry.ts') ? 30 : 500),
      `${relative(root, file)}: ${lines} lines`,
    );
  }
});

test('public types hold no any', () => {
  for (const file of [
    'index.d.ts',
    'api/pool.d.ts',
    'api/default-pool.d.ts',
    'api/options.d.ts',
    'api/future.d.ts',
  ]) {
    const text = readFileSync(join(root, 'dist', file), 'utf8').replace(/\/\*[\s\S]*?\*\//g, '');
    assert.ok(!/\bany\b/.test(text), file);
  }
});

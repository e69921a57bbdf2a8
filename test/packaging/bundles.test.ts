/** The program bundled: it runs from a folder with nothing beside it, minified or not, in both module formats. */
import assert from 'node:assert/strict';
import { cp, mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { before } from 'node:test';
import { type BuildOptions, build } from 'esbuild';
import { checkRun, type Dialect, placesInBundle, programFiles, type StackPlaces } from './program.js';
import { bin, Home, node, root, scratch, succeed } from './support.js';

let home: Home;
before(async () => {
  home = await Home.install();
});

/** A bundle is one module: its state is captured variables, which no task may write. */
const state = ['state there', 'state reset'];
/** Without chunks `import()` of the user's own modules is a function that writes such variables. */
const unsplit = [...state, 'dynamic import'];

const typescript: Dialect = { language: 'ts' };

/** Where the bundle throws: the statements may have lost their lines. */
async function bundlePlaces(folder: string, file: string, minified: boolean): Promise<StackPlaces> {
  if (minified) return { program: `${file}:`, module: `${file}:` };
  return placesInBundle(file, await readFile(join(folder, file), 'utf8'));
}

async function bundled(name: string, file: string, options: BuildOptions): Promise<void> {
  const cwd = await home.project(name, { type: 'module', files: await programFiles(typescript) });
  const folder = await scratch();
  const { warnings } = await build({
    absWorkingDir: cwd,
    entryPoints: ['program.ts'],
    outfile: join(folder, file),
    bundle: true,
    platform: 'node',
    target: 'node20',
    logLevel: 'silent',
    ...options,
  });
  assert.deepEqual(
    warnings.map(({ text }) => text),
    [],
  );
  const places = await bundlePlaces(folder, file, options.minify === true);
  checkRun(await node([file], { cwd: folder }), places, unsplit);
}

for (const minify of [false, true]) {
  const kind = minify ? 'minified' : 'plain';
  test(`esbuild, ES module, ${kind}`, () => bundled(`esm-${kind}`, 'bundle.mjs', { format: 'esm', minify }));
  test(`esbuild, CommonJS, ${kind}`, () => bundled(`cjs-${kind}`, 'bundle.cjs', { format: 'cjs', minify }));
}

test('esbuild, split into chunks', async () => {
  const cwd = await home.project('chunks', { type: 'module', files: await programFiles(typescript) });
  const folder = await scratch();
  await build({
    absWorkingDir: cwd,
    entryPoints: ['program.ts'],
    outdir: folder,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    splitting: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    logLevel: 'silent',
  });
  const places = await bundlePlaces(folder, 'program.mjs', false);
  checkRun(await node(['program.mjs'], { cwd: folder }), places, state);
});

test('a pool of processes in a bundle, with koffi beside it', async () => {
  const program = `
    import { Pool } from 'simul';
    const factor = 3;
    const pool = new Pool({ kind: 'process', workers: 2 });
    console.log(JSON.stringify(await pool.map([1, 2, 3], (n) => n * factor + 0 * process.pid)));
    await pool.close();
  `;
  const cwd = await home.project('processes', { type: 'module', files: { 'program.js': program } });
  const folder = await scratch();
  const outfile = join(folder, 'bundle.mjs');
  await build({
    absWorkingDir: cwd,
    entryPoints: ['program.js'],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
  });
  await mkdir(join(folder, 'node_modules'));
  await symlink(join(root, 'node_modules/koffi'), join(folder, 'node_modules/koffi'));
  // Started from elsewhere, too.
  for (const from of [folder, cwd]) {
    const { stdout, stderr } = await node([outfile], { cwd: from });
    assert.equal(stderr, '');
    assert.equal(stdout, '[3,6,9]\n');
  }
});

for (const external of [false, true]) {
  test(`Vite, for the server, simul ${external ? 'external' : 'bundled'}`, async () => {
    const settings = external ? {} : { noExternal: true };
    const config = `export default { ssr: ${JSON.stringify(settings)}, logLevel: 'warn', build: { target: 'node20' } };\n`;
    const files = { ...(await programFiles(typescript)), 'vite.config.js': config };
    const name = `vite-${external ? 'external' : 'bundled'}`;
    const cwd = await home.project(name, { type: 'module', files, tools: ['vite'] });
    await succeed(process.execPath, [await bin('vite'), 'build', '--ssr', 'program.ts', '--outDir', 'out'], {
      cwd,
    });
    const folder = external ? join(cwd, 'out') : await scratch();
    if (!external) {
      await cp(join(cwd, 'out'), folder, { recursive: true });
      await writeFile(join(folder, 'package.json'), '{ "type": "module" }\n');
    }
    const file = 'program.js';
    checkRun(await node([file], { cwd: folder }), await bundlePlaces(folder, file, false), state);
  });
}

// Builds from src/:
//   .cache/build/  a file a module, with declarations: what the tests of inner parts and the bundles below are made of
//   dist/          what is published: few files of code (bundle.js), ES modules that show it, the declarations, and the
//                  worker as one file in a string, for programs that are bundled and have no worker file beside them
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { build } from 'esbuild';
import { bundle, common } from './bundle.js';
import { files, modules, root, tsc } from './run.js';

const dist = join(root, 'dist');

if (process.argv.includes('--clean'))
  for (const folder of [dist, modules]) rmSync(folder, { recursive: true, force: true });
tsc('tsconfig.json');
// What an older build left of sources that are gone.
for (const file of files(modules)) {
  const source = relative(modules, file).replace(/(?:\.d)?\.[jt]s$/, '.ts');
  if (!existsSync(join(root, 'src', source))) rmSync(file);
}

const made = new Map();
for (const file of files(modules)) {
  if (file.endsWith('.d.ts')) made.set(relative(modules, file), readFileSync(file, 'utf8'));
}

// Progress needs nothing of the rest.
for (const { name, text, exports } of [
  ...(await bundle(modules, ['index', 'cli/main', 'thread-entry'])),
  ...(await bundle(modules, ['progress/index'])),
]) {
  made.set(name, text);
  if (/(?:^|\/)index\.cjs$/.test(name)) made.set(name.replace(/cjs$/, 'js'), shown(name, exports));
}
made.set('cli/main.js', "#!/usr/bin/env node\nimport './main.cjs';\n");

/** The ES module that shows the exports of a file of CommonJS. */
function shown(name, exports) {
  const list = exports.toSorted().join(', ');
  return `import all from './${name.split('/').at(-1)}';\n\nexport const { ${list} } = all;\n`;
}

// Node.js loads it by its URL, in the thread of its loaders.
const hooks = await build({
  ...common,
  entryPoints: [join(modules, 'worker/typescript/hooks.js')],
  format: 'esm',
});
made.set('hooks.js', hooks.outputFiles[0].text);

const thread = await build({
  ...common,
  entryPoints: [join(modules, 'thread-entry.js')],
  packages: 'bundle',
  external: ['oxc-transform'],
  format: 'cjs',
  minifyWhitespace: true,
  // The bundle runs from a string: what asks where it lies gets the folder of the program.
  define: { 'import.meta.url': 'undefined' },
});
const acornLicense = readFileSync(join(root, 'node_modules/acorn/LICENSE'), 'utf8')
  .trim()
  .replace(/^/gm, ' * ')
  .replace(/ +$/gm, '');
made.set(
  'thread-source.js',
  `/*\n * The worker as one file, for programs that were bundled. It holds a copy of acorn:\n *\n${acornLicense}\n */\nexport const source = ${JSON.stringify(thread.outputFiles[0].text)};\n`,
);

for (const file of files(dist)) if (!made.has(relative(dist, file))) rmSync(file);
for (const [name, text] of made) {
  mkdirSync(dirname(join(dist, name)), { recursive: true });
  writeFileSync(join(dist, name), text);
}
chmodSync(join(dist, 'cli/main.js'), 0o755);

// Builds dist/: the TypeScript sources with their declarations, and the worker as one file in a string, for programs
// that are bundled and have no worker file beside them.
import { chmodSync, existsSync, rmSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { build } from 'esbuild';
import { files, root, tsc } from './run.js';

if (process.argv.includes('--clean')) rmSync(join(root, 'dist'), { recursive: true, force: true });
tsc('tsconfig.json');
chmodSync(join(root, 'dist/cli/main.js'), 0o755);
// What an older build left of sources that are gone would be published.
for (const file of files(join(root, 'dist'))) {
  const source = relative(join(root, 'dist'), file).replace(/(?:\.d)?\.[jt]s$/, '.ts');
  if (!existsSync(join(root, 'src', source))) rmSync(file);
}

const bundle = await build({
  entryPoints: [join(root, 'dist/thread-entry.js')],
  bundle: true,
  write: false,
  format: 'cjs',
  platform: 'node',
  target: 'node20',
  external: ['oxc-transform'],
  // The bundle runs from a string: what asks where it lies gets the folder of the program.
  define: { 'import.meta.url': 'undefined' },
  logLevel: 'error',
});
const text = bundle.outputFiles[0].text;
writeFileSync(
  join(root, 'dist/thread-source.js'),
  `/** The worker as one file, for programs that were bundled. */\nexport const source = ${JSON.stringify(text)};\n`,
);

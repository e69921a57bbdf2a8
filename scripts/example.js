// Runs an example as it stands, TypeScript and all: node scripts/example.js NAME [arguments]
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';
import { node, root } from './run.js';

export async function example(name, args = []) {
  const out = join(root, '.cache/examples');
  mkdirSync(out, { recursive: true });
  const outfile = join(out, `${name}.js`);
  await build({
    entryPoints: [join(root, 'examples', `${name}.ts`)],
    outfile,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    sourcemap: 'inline',
    logLevel: 'warning',
  });
  node(['--enable-source-maps', outfile, ...args]);
}

if (process.argv[1]?.endsWith('example.js')) {
  const [name, ...args] = process.argv.slice(2);
  await example(name, args);
}

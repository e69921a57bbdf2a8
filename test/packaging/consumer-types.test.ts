/** The declarations in a user's project: nothing skipped, no more than ES2022, both ways of resolving. */

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { before } from 'node:test';
import { bin, fixtures, Home, succeed } from './support.js';

let home: Home;
before(async () => {
  home = await Home.install();
});

const settings = {
  target: 'ES2022',
  types: ['node'],
  strict: true,
  exactOptionalPropertyTypes: true,
  skipLibCheck: false,
  noEmit: true,
};

for (const [module, moduleResolution] of [
  ['NodeNext', 'NodeNext'],
  ['ESNext', 'Bundler'],
] as const) {
  for (const type of ['module', 'commonjs'] as const) {
    test(`${moduleResolution}, ${type}`, async () => {
      const compilerOptions = { ...settings, module, moduleResolution };
      const use = await readFile(join(fixtures, 'consumer.ts'), 'utf8');
      const files = {
        'tsconfig.json': JSON.stringify({ compilerOptions, include: ['use.ts'] }),
        'use.ts': use,
      };
      const name = `types-${moduleResolution}-${type}`;
      const cwd = await home.project(name, { type, files, tools: ['typescript', '@types/node'] });
      await succeed(process.execPath, [await bin('typescript', 'tsc'), '-p', '.'], { cwd });
    });
  }
}

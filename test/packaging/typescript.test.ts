/** The program in TypeScript, as its runners compile it: in workers too, with enums and without endings. */
import test, { before } from 'node:test';
import { checkRun, placesIn, programFiles } from './program.js';
import { bin, Home, node } from './support.js';

let home: Home;
before(async () => {
  home = await Home.install();
});

for (const type of ['module', 'commonjs'] as const) {
  test(`tsx, ${type}`, async () => {
    const files = await programFiles({ language: 'ts' });
    const cwd = await home.project(`tsx-${type}`, { type, files, tools: ['tsx'] });
    checkRun(await node([await bin('tsx'), 'program.ts'], { cwd }), placesIn(files));
  });

  test(`node --import tsx, ${type}`, async () => {
    const files = await programFiles({ language: 'ts' });
    const cwd = await home.project(`import-tsx-${type}`, { type, files, tools: ['tsx'] });
    checkRun(await node(['--import', 'tsx', 'program.ts'], { cwd }), placesIn(files));
  });
}

const compilerOptions = {
  target: 'ES2022',
  lib: ['ES2023', 'ESNext.Disposable'],
  module: 'NodeNext',
  types: ['node'],
  strict: true,
  skipLibCheck: true,
};
const tools = ['ts-node', 'typescript', '@types/node'];

test('ts-node, CommonJS, with type checks', async () => {
  const files = await programFiles({ language: 'ts' });
  const settings = JSON.stringify({ compilerOptions, 'ts-node': { files: true } });
  const cwd = await home.project('ts-node', {
    type: 'commonjs',
    files: { ...files, 'tsconfig.json': settings },
    tools,
  });
  checkRun(await node([await bin('ts-node'), 'program.ts'], { cwd }), placesIn(files));
});

test('ts-node/esm', async () => {
  const files = await programFiles({ language: 'ts', ending: '.js' });
  const settings = JSON.stringify({ compilerOptions, 'ts-node': { esm: true } });
  const cwd = await home.project('ts-node-esm', {
    type: 'module',
    files: { ...files, 'tsconfig.json': settings },
    tools,
  });
  // Its loader runs in a thread of its own, so it maps no stacks here: Node.js has to.
  const flags = ['--no-warnings', '--enable-source-maps', '--loader', 'ts-node/esm'];
  checkRun(await node([...flags, 'program.ts'], { cwd }), placesIn(files));
});

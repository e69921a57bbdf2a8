/** The program inside the test runners, which give each file a module system or a context of its own. */
import assert from 'node:assert/strict';
import test, { before } from 'node:test';
import { checkStacks, placesIn, programFiles, results } from './program.js';
import { bin, type Files, Home, node, type Ran } from './support.js';

let home: Home;
before(async () => {
  home = await Home.install();
});

/** What the program says by itself; what its tasks print goes past the runner's console. */
const expected = JSON.stringify(results.filter((line) => !line.startsWith('printed')));

const testFile = (ending: string): string => `
import { main } from './program${ending}';
import { next } from './lib/counter${ending}';
import { map, run } from 'simul';

test('the program', async () => {
  const lines = [];
  await main((line) => lines.push(line));
  expect(lines).toEqual(${expected});
}, 30_000);

const helper = (n) => n + 1;

test('what belongs to the test file', async () => {
  const [url, late] = await run(async () => [import.meta.url, (await import('./lib/lazy${ending}')).late(1)]);
  expect(url).toBe(import.meta.url);
  expect(late).toBe(101);
});

test('functions of the test file itself', async () => {
  const captured = { add: 10 };
  expect(await map([1, 2], (n) => helper(n) + captured.add)).toEqual([12, 13]);
  expect(await run(() => next())).toBeGreaterThan(0);
  await expect(run(() => { throw new TypeError('no'); })).rejects.toThrow(TypeError);
  await expect(run(() => { throw new TypeError('no'); })).rejects.toBeInstanceOf(Error);
  await expect(run(() => new Map([['a', 1]]))).resolves.toEqual(new Map([['a', 1]]));
});
`;

function check(ran: Ran, files: Files, passed: RegExp): void {
  const whole = `${ran.stdout}\n${ran.stderr}`;
  assert.equal(ran.code, 0, whole);
  assert.match(whole, passed);
  const [stacks = ''] = /program stack [\s\S]*/.exec(whole) ?? [];
  checkStacks(stacks, placesIn(files));
}

for (const pool of ['forks', 'threads', 'vmThreads']) {
  test(`vitest, ${pool}`, async () => {
    const program = await programFiles({ language: 'ts', entry: false });
    const files = {
      ...program,
      'program.test.ts': `import { expect, test } from 'vitest';\n${testFile('')}`,
    };
    const cwd = await home.project(`vitest-${pool}`, { type: 'module', files, tools: ['vitest', 'vite'] });
    const args = [await bin('vitest'), 'run', '--pool', pool, '--no-color', '--disable-console-intercept'];
    check(await node(args, { cwd, env: { CI: '1' } }), program, /Tests {2}3 passed/);
  });
}

async function jest(cwd: string): ReturnType<typeof node> {
  const settings = JSON.stringify({ transform: {}, testEnvironment: 'node' });
  const flags = ['--no-warnings', '--experimental-vm-modules'];
  return node([...flags, await bin('jest'), '--no-color', '--config', settings], { cwd });
}

test('jest, ES modules', async () => {
  const program = await programFiles({ language: 'esm', ending: '.js', entry: false });
  const files = {
    ...program,
    'program.test.js': `import { expect, test } from '@jest/globals';\n${testFile('.js')}`,
  };
  const cwd = await home.project('jest-esm', { type: 'module', files, tools: ['jest', '@jest/globals'] });
  check(await jest(cwd), program, /Tests: +3 passed/);
});

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
const requires = major > 24 || (major === 24 && minor >= 9);
const why = requires ? false : 'jest cannot require() ES modules on this Node';

test('jest, CommonJS', { skip: why }, async () => {
  const program = await programFiles({ language: 'cjs', ending: '.js', entry: false });
  const text = testFile('.js')
    .replace(/^import (.*) from (.*);$/gm, 'const $1 = require($2);')
    .replaceAll('import.meta.url', '__filename');
  const files = { ...program, 'program.test.js': text };
  const cwd = await home.project('jest-cjs', { type: 'commonjs', files, tools: ['jest'] });
  check(await jest(cwd), program, /Tests: +3 passed/);
});

/** The README's code runs as it stands, from the installed package. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import test, { before } from 'node:test';
import { bin, execute, Home, node, root } from './support.js';

interface Block {
  readonly language: string;
  readonly line: number;
  readonly text: string;
}

const readme = await readFile(join(root, 'README.md'), 'utf8');

/** Fenced blocks with the line of the README they begin at. */
function blocks(): Block[] {
  return [...readme.matchAll(/^```(\w+)\n([\s\S]*?)^```$/gm)].map((match) => ({
    language: match[1]!,
    line: readme.slice(0, match.index).split('\n').length + 1,
    text: match[2]!,
  }));
}

let home: Home;
before(async () => {
  home = await Home.install();
});

test('the README has code, in languages that are run', () => {
  const languages = new Set(blocks().map(({ language }) => language));
  assert.deepEqual([...languages].sort(), ['sh', 'ts']);
});

for (const { line, text } of blocks().filter(({ language }) => language === 'ts')) {
  test(`the example at line ${line}`, async () => {
    const name = `line-${line}`;
    const cwd = await home.project(name, { type: 'module', files: { 'example.ts': text }, tools: ['tsx'] });
    const { code, stdout, stderr } = await node([await bin('tsx'), 'example.ts'], { cwd });
    assert.equal(stderr, '');
    assert.equal(code, 0, stdout);
    assert.notEqual(stdout, '', 'an example shows something');
  });
}

/** One command a line, without comments. */
function commands(): string[] {
  return blocks()
    .filter(({ language }) => language === 'sh')
    .flatMap(({ text }) => text.split('\n'))
    .map((line) => line.replace(/\s+#.*$/, '').trim())
    .filter((line) => line !== '');
}

const isOfPackage = (command: string): boolean => /^(?:npx )?simul\b/.test(command);

test('commands of a checkout name scripts that exist', async () => {
  const { scripts } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as {
    scripts: Record<string, string>;
  };
  for (const command of commands().filter((candidate) => !isOfPackage(candidate))) {
    for (const part of command.split('&&')) {
      const [, script = ''] = /^\s*npm (?:run )?([\w:-]+)/.exec(part) ?? [];
      const known = ['ci', 'install'].includes(script) || Object.hasOwn(scripts, script);
      assert.ok(known, `${command}: neither a command of npm's nor a script of this project`);
    }
  }
});

/** Files that the README's commands of the package read, by name. */
const inputs: Readonly<Record<string, string>> = {};

for (const command of commands().filter(isOfPackage)) {
  test(`the command ${command}`, async () => {
    const cwd = await home.project(`command-${command.replace(/\W+/g, '-')}`, {
      type: 'module',
      files: inputs,
    });
    const path = [join(home.folder, 'node_modules/.bin'), process.env['PATH']].join(delimiter);
    const { code, stderr } = await execute('sh', ['-c', command], { cwd, env: { PATH: path } });
    assert.equal(code, 0, stderr);
  });
}

/** The README's code runs as it stands, from the installed package. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import test, { before } from 'node:test';
import * as simul from '#simul/index.js';
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

const shell = blocks().filter(({ language }) => language === 'sh');
/** Blocks that use the package's command make their own files, and are run whole. */
const usesPackage = ({ text }: Block): boolean => /^(?:.*\| )?npx simul\b/m.test(text);

test('commands of a checkout name scripts that exist', async () => {
  const { scripts } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as {
    scripts: Record<string, string>;
  };
  const commands = shell
    .filter((block) => !usesPackage(block))
    .flatMap(({ text }) => text.split('\n'))
    .map((line) => line.replace(/\s+#.*$/, '').trim())
    .filter((line) => line !== '');
  assert.ok(commands.length > 0);
  for (const command of commands) {
    for (const part of command.split('&&')) {
      const [, script = ''] = /^\s*npm (?:run )?([\w:-]+)/.exec(part) ?? [];
      const known = ['ci', 'install'].includes(script) || Object.hasOwn(scripts, script);
      assert.ok(known, `${command}: neither a command of npm's nor a script of this project`);
    }
  }
});

test('the commands of the package run, in one folder, one after the other', async () => {
  const cwd = await home.project('commands', { type: 'module', files: {} });
  const path = [join(home.folder, 'node_modules/.bin'), process.env['PATH']].join(delimiter);
  const blocksOfPackage = shell.filter(usesPackage);
  assert.ok(blocksOfPackage.length > 0);
  for (const { text } of blocksOfPackage) {
    const { code, stderr } = await execute('sh', ['-e', '-c', text], { cwd, env: { PATH: path } });
    assert.equal(code, 0, `${text}\n${stderr}`);
  }
});

test('the tables have every option and every error code', async () => {
  const known = (call: () => unknown): string[] => {
    try {
      call();
    } catch (error) {
      return /there are: (.*)$/.exec((error as Error).message)![1]!.split(', ');
    }
    return [];
  };
  const unknown = { nothing: 1 } as object;
  const options = [
    ...known(() => new simul.Pool(unknown)).filter((name) => name !== 'kind'), // it has one value so far
    ...known(() => simul.pool().with(unknown)),
    ...['chunk', 'window', 'ordered', 'onError', 'onProgress'],
  ];
  assert.ok(options.length > 20);
  for (const name of options) assert.match(readme, new RegExp(`^\\| [^|]*\`${name}\``, 'm'), name);

  const errors = Object.keys(simul).filter((name) => name.endsWith('Error'));
  assert.equal(errors.length, 10);
  for (const name of errors) assert.match(readme, new RegExp(`^\\| \`${name}\` +\\| \`SIMUL_`, 'm'), name);
  const sources = await readFile(join(root, 'src/errors.ts'), 'utf8');
  for (const [code] of sources.matchAll(/SIMUL_\w+/g)) assert.ok(readme.includes(`\`${code}\``), code);
});

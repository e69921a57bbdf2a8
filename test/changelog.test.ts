/** The script that makes CHANGELOG.md of fragments, in a folder of its own. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'node:test';
import { type Files, node, type Ran, root, scratch, write } from './packaging/support.js';

const script = join(root, 'scripts/changelog.js');

async function project(fragments: Files): Promise<string> {
  const folder = await scratch();
  await write(
    folder,
    Object.fromEntries(Object.entries(fragments).map(([name, text]) => [`changelog/${name}`, text])),
  );
  return folder;
}

const changelog = (folder: string, ...args: string[]): Promise<Ran> =>
  node([script, '--root', folder, ...args], { cwd: folder });

const fragments = {
  'README.md': '# Not a fragment\n',
  'map.added.md': '`map` maps,\nin order.\n',
  'a-crash.fixed.md': 'It no longer crashes.\n',
  'zero.added.md': 'Zero is allowed.\n',
};

test('without arguments it prints what is unreleased, by kind', async () => {
  const folder = await project(fragments);
  const { code, stdout } = await changelog(folder);
  assert.equal(code, 0);
  assert.equal(
    stdout,
    '### Added\n\n- `map` maps,\n  in order.\n- Zero is allowed.\n\n### Fixed\n\n- It no longer crashes.\n',
  );
  assert.equal((await readdir(join(folder, 'changelog'))).length, 4);
  assert.equal((await changelog(await project({}))).stdout, 'Nothing is unreleased.\n');
});

test('a release moves the fragments into CHANGELOG.md, the newest version first', async () => {
  const folder = await project(fragments);
  const first = await changelog(folder, '--release', '1.0.0', '--date', '2026-01-31');
  assert.equal(first.code, 0, first.stderr);
  assert.deepEqual(await readdir(join(folder, 'changelog')), ['README.md']);
  await write(folder, { 'changelog/faster.changed.md': 'It is faster.' });
  const second = await changelog(folder, '--release', '1.1.0', '--date', '2026-02-28');
  assert.equal(second.code, 0, second.stderr);
  assert.equal(
    await readFile(join(folder, 'CHANGELOG.md'), 'utf8'),
    '# Changelog\n\n## 1.1.0 (2026-02-28)\n\n### Changed\n\n- It is faster.\n' +
      '\n## 1.0.0 (2026-01-31)\n\n### Added\n\n- `map` maps,\n  in order.\n- Zero is allowed.\n' +
      '\n### Fixed\n\n- It no longer crashes.\n',
  );
});

test('a release that cannot be made changes nothing', async () => {
  const folder = await project(fragments);
  for (const version of ['1.0', 'next', '']) {
    const { code, stderr } = await changelog(folder, '--release', version);
    assert.equal(code, 1);
    assert.match(stderr, /is no version/);
  }
  assert.ok(!existsSync(join(folder, 'CHANGELOG.md')));
  assert.equal((await changelog(folder, '--release', '1.0.0')).code, 0);
  const empty = await changelog(folder, '--release', '1.0.1');
  assert.equal(empty.code, 1);
  assert.match(empty.stderr, /nothing to release/);
  await write(folder, { 'changelog/more.added.md': 'More.' });
  const twice = await changelog(folder, '--release', '1.0.0');
  assert.equal(twice.code, 1);
  assert.match(twice.stderr, /has a version 1\.0\.0 already/);
  assert.ok(existsSync(join(folder, 'changelog/more.added.md')));
});

const malformed: [name: string, text: string, fault: RegExp][] = [
  ['map.improved.md', 'Text.', /map\.improved\.md is not named/],
  ['Map It.added.md', 'Text.', /is not named/],
  ['added.md', 'Text.', /is not named/],
  ['map.added.txt', 'Text.', /is not named/],
  ['map.added.md', ' \n', /is empty/],
  ['map.added.md', '# Map\nText.', /heading or a list/],
  ['map.added.md', '- Text.', /heading or a list/],
  ['map.added.md', 'One.\n\nTwo.', /more than one paragraph/],
  ['map.added.md', 'Text', /full stop/],
];
for (const [name, text, fault] of malformed) {
  test(`--check refuses ${name} with ${JSON.stringify(text)}`, async () => {
    const folder = await project({ [name]: text, 'good.added.md': 'Good.' });
    const { code, stderr } = await changelog(folder, '--check');
    assert.equal(code, 1);
    assert.match(stderr, fault);
    assert.ok(!stderr.includes('good.added'));
  });
}

test('the fragments of this project are well formed, and its version is in the changelog', async () => {
  const { code, stderr } = await node([script, '--check'], { cwd: root });
  assert.equal(code, 0, stderr);
  const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as { version: string };
  assert.ok((await readFile(join(root, 'CHANGELOG.md'), 'utf8')).includes(`\n## ${version} (`), version);
});

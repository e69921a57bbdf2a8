// npm run changelog: prints what is unreleased (changelog/README.md says what fragments are).
//   -- --check              fails where a fragment is malformed
//   -- --release X.Y.Z      moves the fragments into CHANGELOG.md, under this version and today's date
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { root } from './run.js';

const KINDS = { added: 'Added', changed: 'Changed', fixed: 'Fixed' };
const TITLE = '# Changelog\n';

const { values } = parseArgs({
  options: {
    check: { type: 'boolean' },
    release: { type: 'string' },
    date: { type: 'string' },
    root: { type: 'string', default: root },
  },
});
const folder = join(values.root, 'changelog');
const target = join(values.root, 'CHANGELOG.md');

/** What is wrong with a fragment, or undefined. */
function fault(name, text) {
  if (!/^[a-z0-9]+(?:-[a-z0-9]+)*\.(?:added|changed|fixed)\.md$/.test(name)) {
    return `is not named <slug>.<${Object.keys(KINDS).join('|')}>.md, the slug in lower case with hyphens`;
  }
  if (text.trim() === '') return 'is empty';
  if (/^\s*(?:#|[-*+] )/m.test(text))
    return 'has a heading or a list: a fragment is one paragraph, a list item later';
  if (/\n\s*\n/.test(text.trim())) return 'has more than one paragraph';
  if (!/[.!]$/.test(text.trim())) return 'does not end with a full stop';
  return undefined;
}

function readFragments() {
  const names = existsSync(folder)
    ? readdirSync(folder)
        .filter((name) => name !== 'README.md')
        .sort()
    : [];
  const found = names.map((name) => ({ name, text: readFileSync(join(folder, name), 'utf8') }));
  const faults = found.flatMap(({ name, text }) => {
    const why = fault(name, text);
    return why === undefined ? [] : [`changelog/${name} ${why}`];
  });
  if (faults.length > 0) fail(faults.join('\n'));
  return found.map(({ name, text }) => ({ name, kind: name.split('.')[1], text: text.trim() }));
}

function sections(fragments) {
  return Object.entries(KINDS)
    .map(([kind, title]) => ({ title, items: fragments.filter((fragment) => fragment.kind === kind) }))
    .filter(({ items }) => items.length > 0)
    .map(({ title, items }) => `### ${title}\n\n${items.map(({ text }) => listItem(text)).join('')}`)
    .join('\n');
}

const listItem = (text) => `- ${text.replace(/\n\s*/g, '\n  ')}\n`;

function release(version, fragments) {
  const date = values.date ?? new Date().toISOString().slice(0, 10);
  if (!/^\d+\.\d+\.\d+(?:-[\w.]+)?$/.test(version)) fail(`"${version}" is no version such as 1.2.3`);
  if (!/^\d{4}-\d{2}-\d{2}$/.test(date)) fail(`"${date}" is no date such as 2026-01-31`);
  const before = existsSync(target) ? readFileSync(target, 'utf8') : TITLE;
  if (!before.startsWith(TITLE)) fail(`CHANGELOG.md does not begin with "${TITLE.trim()}"`);
  if (before.includes(`\n## ${version} `)) fail(`CHANGELOG.md has a version ${version} already`);
  if (fragments.length === 0) fail('there is nothing to release: changelog/ has no fragment');
  const rest = before.slice(TITLE.length);
  writeFileSync(target, `${TITLE}\n## ${version} (${date})\n\n${sections(fragments)}${rest}`);
  for (const { name } of fragments) rmSync(join(folder, name));
}

function fail(message) {
  console.error(message);
  process.exit(1);
}

const fragments = readFragments();
if (values.release !== undefined) release(values.release, fragments);
else if (!values.check)
  console.log(fragments.length === 0 ? 'Nothing is unreleased.' : sections(fragments).trimEnd());

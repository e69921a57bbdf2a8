/** Each row of docs/faults.md names tests that there are. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import test from 'node:test';

const root = new URL('../..', import.meta.url);

test('each fault is backed by tests', () => {
  const rows = readFileSync(new URL('docs/faults.md', root), 'utf8')
    .split('\n')
    .filter((line) => line.startsWith('|') && !/^\| (?:when|-+) +\|/.test(line));
  assert.ok(rows.length > 30);
  for (const row of rows) {
    const named = [
      ...row
        .split('|')
        .at(-2)!
        .matchAll(/`([^`]+)`/g),
    ].map(([, name]) => name!);
    assert.ok(named.length > 0, `no test: ${row}`);
    for (const name of named) assert.ok(existsSync(new URL(`test/${name}.test.ts`, root)), `${name}: ${row}`);
  }
});

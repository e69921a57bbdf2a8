import assert from 'node:assert/strict';
import test from 'node:test';
import type { Progress } from 'simul';
import { progressBar } from 'simul/progress';

const some: Progress = {
  done: 10,
  failed: 0,
  total: 100,
  fraction: 0.1,
  running: 4,
  workers: 2,
  busy: 2,
  elapsed: 1500,
  rate: 5,
  remaining: 18_000,
};

function drawn(isTTY: boolean, progress: Progress): string {
  let text = '';
  const stream = { isTTY, columns: 120, write: (part: string) => (text += part) };
  progressBar({ stream, interval: 0 })(progress);
  return text;
}

test('rate and time left are shown once there is enough to tell them by', () => {
  for (const live of [true, false]) {
    const known = drawn(live, some);
    assert.match(known, /\b5\/s\b/);
    assert.match(known, /\b0:18 left\b/);
    const unknown = drawn(live, { ...some, rate: 0, remaining: undefined });
    assert.doesNotMatch(unknown, /\/s|left/);
    assert.match(unknown, /\bin 0:02\b/);
    assert.match(unknown, /\b10\/100\b/);
  }
});

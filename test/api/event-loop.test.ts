/** What is in flight, however much, leaves this thread's event loop its turns. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { script } from './support.js';

const works = {
  calls: '250,000 calls in flight do not hold up the event loop',
  manyWorkers: 'nor do calls to many workers',
  items: 'nor do maps, folds and streams of cheap items',
  timeouts: 'nor does a map under a timeout whose results come faster than they are taken',
};

for (const [work, name] of Object.entries(works)) {
  test(name, { timeout: 30_000 }, async (t) => {
    const program = JSON.stringify(new URL('./event-loop-works.js', import.meta.url).href);
    const { code, stdout, stderr } = await script(
      `import { measure } from ${program}; await measure('${work}');`,
    );
    assert.equal(code, 0, stdout + stderr);
    t.diagnostic(stdout);
  });
}

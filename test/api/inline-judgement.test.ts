/** Whether calls go on running in this thread is judged by what they cost, not by what else the machine does meanwhile. */
import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import { Inline } from '#simul/api/inline.js';
import { AssetStore, pack } from '#simul/codec/index.js';

const cheap = (x: number): number => x + 1;

/** Blocks whose calls take so many ms each, by a clock of its own. */
function judged(t: TestContext, costs: readonly number[]): Inline {
  let now = 1000;
  let cost = 0;
  let asked = 0;
  // A block of one stride asks before its calls, twice, and after them.
  t.mock.method(performance, 'now', () => {
    asked += 1;
    if (asked === 3) now += cost;
    return now;
  });
  const inline = new Inline({ fn: cheap, workers: 2, assets: new AssetStore(), refusal: undefined });
  inline.begin(pack(cheap, { exact: true }));
  inline.measured(1000, 0.3);
  inline.packed(1000, 0.2);
  inline.unpacked(1000, 0.2);
  for (const each of costs) {
    if (!inline.active) break;
    const size = Math.min(256, inline.size);
    cost = each * size;
    asked = 0;
    const values = Array.from({ length: size }, (_, i) => i);
    assert.equal(inline.runRaw(values, 0), size);
    assert.equal(values[size - 1], size);
  }
  t.mock.restoreAll();
  return inline;
}

test('a first block that other programs held up decides nothing', (t) => {
  const inline = judged(t, [0.039, ...new Array(20).fill(0.0001)]);
  assert.ok(inline.active, inline.reason);
});

test('nor does a later one', (t) => {
  const inline = judged(t, [...new Array(5).fill(0.0001), 0.02, ...new Array(20).fill(0.0001)]);
  assert.ok(inline.active, inline.reason);
});

test('calls that are dear block after block go to the workers', (t) => {
  const inline = judged(t, new Array(50).fill(0.01));
  assert.ok(!inline.active, inline.reason);
  assert.ok(inline.items <= 4 * 256, `${inline.items} items`);
});

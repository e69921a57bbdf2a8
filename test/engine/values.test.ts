/** What a worker is told of values of `put`: each once, and to drop it when nobody needs it. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { pack, type ValueAsset } from '#simul/codec/index.js';
import { AssetLedger } from '#simul/engine/local/asset-ledger.js';
import type { Place } from '#simul/engine/local/place.js';
import { RefLedger } from '#simul/engine/local/ref-ledger.js';

const value = (hash: string): ValueAsset => ({
  kind: 'value',
  hash,
  packed: pack(5),
  state: new Int32Array(1),
  bytes: 100,
});
const needing = (...assets: ValueAsset[]) => ({ ...pack(1), assets });
const nobody = (): boolean => false;
const somebody = (): boolean => true;

test('a value that is held goes to a worker once, however many jobs need it', () => {
  const ledger = new AssetLedger();
  const packed = needing(value('v:1'));
  assert.deepEqual(ledger.missing(packed, 0), packed.assets);
  for (let job = 1; job < 5; job++) {
    assert.deepEqual(ledger.missing(packed, job), []);
    ledger.begin(packed);
    assert.deepEqual(ledger.end(packed, somebody), []);
  }
  assert.equal(ledger.drop('v:1'), true);
  assert.equal(ledger.drop('v:1'), false, 'it is gone');
  assert.deepEqual(ledger.missing(packed, 5), packed.assets, 'and would be sent again');
});

test('what is let go of while jobs need it is dropped with the last of those', () => {
  const ledger = new AssetLedger();
  const [one, both] = [needing(value('v:1')), needing(value('v:1'), value('v:2'))];
  for (const packed of [one, both]) {
    ledger.missing(packed, 0);
    ledger.begin(packed);
  }
  assert.equal(ledger.drop('v:1'), false);
  assert.deepEqual(ledger.end(one, nobody), []);
  assert.deepEqual(
    ledger.end(both, (hash) => hash === 'v:2'),
    ['v:1'],
  );
  assert.deepEqual([ledger.has('v:1'), ledger.has('v:2')], [false, true]);
  ledger.begin(undefined);
  assert.deepEqual(ledger.end(undefined, nobody), []);
  assert.deepEqual(ledger.end(pack(1), nobody), []);
});

test('values are many: those over the bound go first to last, when no job is in flight', () => {
  const ledger = new AssetLedger();
  for (let i = 0; i < 5000; i++) {
    const packed = needing(value(`v:${i}`));
    ledger.missing(packed, i);
    ledger.begin(packed);
    ledger.end(packed, somebody);
  }
  const dropped = ledger.excess(5000);
  assert.equal(dropped.length, 5000 - 2048);
  assert.equal(dropped[0], 'v:0');
});

test('a value is held until the last who holds it lets go, or it ends', () => {
  const dropped: [string, boolean][] = [];
  const ledger = new RefLedger((hash, ended) => dropped.push([hash, ended]));
  const [a, b] = [{ worker: 0 } as Place, { worker: 1 } as Place];
  const [first, second, third, foreign] = ['v:a', 'v:b', 'v:c', 'v:d'].map(value) as [
    ValueAsset,
    ValueAsset,
    ValueAsset,
    ValueAsset,
  ];
  ledger.hold(first, true);
  ledger.hold(first, false, a);
  ledger.hold(second, true, a);
  ledger.hold(second, false, b);
  ledger.hold(third, true);
  ledger.hold(foreign, false);
  assert.deepEqual(ledger.stats(), { refs: 3, refBytes: 300 });
  ledger.left(a);
  assert.deepEqual(dropped, []);
  ledger.release('v:a');
  ledger.release('v:a');
  assert.deepEqual(dropped, [['v:a', false]]);
  ledger.ended('v:b');
  assert.deepEqual(dropped[1], ['v:b', true]);
  assert.deepEqual([ledger.holds('v:b'), ledger.holds('v:c')], [false, true]);
  ledger.close();
  assert.deepEqual([third.state[0], foreign.state[0]], [2, 0], 'only what was put there ends');
  ledger.hold(first, true);
  assert.deepEqual(ledger.stats(), { refs: 0, refBytes: 0 });
  const ended = value('v:e');
  ended.state[0] = 1;
  const open = new RefLedger(() => {});
  open.hold(ended, true);
  assert.equal(open.holds('v:e'), false, 'what has ended is not held again');
});

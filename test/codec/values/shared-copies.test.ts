/** Large arguments: their copy of the last time is used again, while it says the same. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { sharedCopyOf } from '#simul/codec/data/shared-copies.js';
import { pack } from '#simul/codec/index.js';
import { freshSharedCopyOf } from '#simul/util/large-pages.js';

const EDGE = 64 * 1024;
const bytes = (length: number): Uint8Array => Uint8Array.from({ length }, (_, i) => i * 7);
const holds = (memory: SharedArrayBuffer, content: Uint8Array): void =>
  assert.equal(Buffer.compare(new Uint8Array(memory), content), 0);

test('the same content of the same buffer has the same copy', () => {
  const array = bytes(EDGE);
  const copy = sharedCopyOf(array);
  holds(copy, array);
  assert.equal(sharedCopyOf(array), copy);
  assert.equal(sharedCopyOf(new Uint8Array(array.buffer)), copy, 'whatever view it is seen through');
  assert.notEqual(sharedCopyOf(array.slice()), copy, 'another buffer has its own');
  const small = bytes(EDGE - 1);
  assert.notEqual(sharedCopyOf(small), sharedCopyOf(small));
  assert.notEqual(freshSharedCopyOf(array), freshSharedCopyOf(array));
});

test('a change anywhere makes a new copy, and leaves the one before as it was', () => {
  const length = EDGE * 2;
  for (const at of [0, 1, EDGE, length - 1025, length - 1024, length - 1]) {
    const array = bytes(length);
    const before = array.slice();
    const copy = sharedCopyOf(array);
    array[at]! += 1;
    const next = sharedCopyOf(array);
    assert.notEqual(next, copy, `at ${at}`);
    holds(copy, before);
    holds(next, array);
  }
});

test('what changes each time is compared ever less, and is always right', () => {
  const array = bytes(EDGE);
  for (let i = 0; i < 300; i++) {
    array[i % 5 === 0 ? 100 : EDGE - 1]! += 1;
    holds(sharedCopyOf(array), array);
  }
  // It stays the same from now on: that is found out after a while.
  let last: SharedArrayBuffer | undefined;
  let same = 0;
  for (let i = 0; i < 200; i++) {
    const copy = sharedCopyOf(array);
    holds(copy, array);
    if (copy === last) same += 1;
    last = copy;
  }
  assert.ok(same > 100, `${same}`);
});

test('parts of a buffer are told apart', () => {
  const whole = bytes(EDGE * 4);
  const [a, b] = [whole.subarray(0, EDGE), whole.subarray(EDGE, EDGE * 2)];
  const longer = whole.subarray(0, EDGE * 2);
  for (const part of [a, b, a, longer, a, longer, b]) {
    const copy = sharedCopyOf(part);
    assert.equal(copy.byteLength, part.byteLength);
    holds(copy, part);
  }
});

test('arguments share a copy; results that move, and what is given away, do not', () => {
  const array = new Float64Array(EDGE).fill(2);
  const first = pack({ array });
  const second = pack([1, array]);
  assert.equal(first.extras[0], second.extras[0]);
  assert.ok(first.extras[0] instanceof SharedArrayBuffer);
  assert.ok(pack({ array }, { moved: true }).extras[0] instanceof ArrayBuffer);
  assert.notEqual(pack(array, { stored: true }).extras[0], first.extras[0], 'those are seen by tasks');
});

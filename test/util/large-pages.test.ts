/** Copies are whole, whether or not the system is asked for large pages. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { freshCopyOf, freshSharedCopyOf, inLargePages, useLargePages } from '#simul/util/large-pages.js';

const MB = 2 ** 20;

/** Bytes that differ from page to page. */
function bytesOf(length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let i = 0; i < length; i += 509) bytes[i] = i % 251;
  return bytes;
}

function isCopy(copy: ArrayBufferLike, bytes: Uint8Array): void {
  assert.equal(copy.byteLength, bytes.byteLength);
  assert.equal(Buffer.compare(new Uint8Array(copy), bytes), 0);
}

test('fresh memory is asked for before it is written to, where it is large', () => {
  const asked: number[] = [];
  for (const hint of [false, true]) {
    if (hint) {
      useLargePages((bytes) => {
        assert.ok(
          bytes.every((byte) => byte === 0),
          'nothing is in it yet',
        );
        asked.push(bytes.byteLength);
      });
    }
    for (const length of [0, 1000, 4 * MB - 1, 4 * MB, 4 * MB + 12_345]) {
      // A part of its buffer, at an odd place.
      const bytes = bytesOf(length + 3).subarray(3);
      isCopy(freshCopyOf(bytes), bytes);
      isCopy(freshSharedCopyOf(bytes), bytes);
      assert.equal(inLargePages(new ArrayBuffer(length)).byteLength, length);
    }
  }
  assert.deepEqual(
    asked,
    [4 * MB, 4 * MB + 12_345].flatMap((length) => [length, length, length]),
  );
});

test('where large pages are slow to come they are asked for less and less', () => {
  let asked = 0;
  let slow = true;
  const { now } = performance;
  let clock = 0;
  // Each look at the clock is much later than the one before, or at the same time.
  performance.now = () => {
    if (slow) clock += 100;
    return clock;
  };
  try {
    useLargePages(() => {
      asked += 1;
    });
    for (let i = 0; i < 200; i++) isCopy(freshCopyOf(new Uint8Array(4 * MB)), new Uint8Array(4 * MB));
    // The first, then after 1, 3, 7, 15, 31, 63 and then 64 that are passed over.
    assert.equal(asked, 8);
    slow = false;
    while (asked === 8) inLargePages(new ArrayBuffer(4 * MB));
    for (let i = 0; i < 10; i++) inLargePages(new ArrayBuffer(4 * MB));
    assert.equal(asked, 19, 'they pay again');
  } finally {
    performance.now = now;
  }
});

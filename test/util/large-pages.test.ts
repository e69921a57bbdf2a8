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

/** Messages to bytes and back: what is moved, what is shared, and what is given of shared memory. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { types } from 'node:util';
import { deserialize, serialize } from '#simul/protocol/serialize.js';

/** What the other side makes of it: buffers of the kind that the head says. */
function sent(message: unknown, transfer: readonly unknown[]): unknown {
  const { head, body } = serialize(message, transfer);
  const view = new DataView(head.buffer);
  const buffers = body.map((bytes, i) => {
    const shared = view.getUint32(4 + i * 12, true) === 1;
    assert.equal(view.getFloat64(8 + i * 12, true), bytes.byteLength);
    const buffer = shared ? new SharedArrayBuffer(bytes.byteLength) : new ArrayBuffer(bytes.byteLength);
    new Uint8Array(buffer).set(bytes);
    return buffer;
  });
  return deserialize(head, buffers);
}

function memory<B extends ArrayBufferLike>(buffer: B, byte: number): B {
  new Uint8Array(buffer).fill(byte);
  return buffer;
}

test('a buffer arrives as what it is sent as', () => {
  const moved = memory(new ArrayBuffer(8), 1);
  const shared = memory(new SharedArrayBuffer(16), 2);
  const given = memory(new SharedArrayBuffer(24), 3);
  const message = { a: [moved, { shared, again: shared }], given, twice: [given], n: 1 };
  const got = sent(message, [moved, given]) as typeof message;
  const again = (got.a[1] as { shared: unknown; again: unknown }).again;
  assert.ok(types.isArrayBuffer(got.a[0]));
  assert.ok(types.isSharedArrayBuffer(again));
  assert.ok(types.isArrayBuffer(got.given), 'given: memory of the receiver alone');
  assert.equal(got.given, got.twice[0], 'one buffer stays one');
  assert.equal(again, (got.a[1] as { shared: unknown }).shared);
  for (const [buffer, length, byte] of [
    [got.a[0], 8, 1],
    [again, 16, 2],
    [got.given, 24, 3],
  ] as const) {
    assert.deepEqual(new Uint8Array(buffer as ArrayBuffer), new Uint8Array(length).fill(byte));
  }
});

test('shared memory that is given and not in the message does no harm', () => {
  const given = memory(new SharedArrayBuffer(8), 3);
  assert.deepEqual(sent({ n: 1 }, [given]), { n: 1 });
});

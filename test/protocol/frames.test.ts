/** Frames, cut anywhere; and what is none. */
import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import {
  BrokenProtocol,
  FRAME_BEGAN,
  FRAME_DATA,
  FRAME_HELLO,
  type Frame,
  FrameReader,
  FrameWriter,
} from '#simul/protocol/index.js';

/** All that `write` sends, in one piece. */
function sent(write: (writer: FrameWriter) => void, first = true): Uint8Array {
  const parts: Uint8Array[] = [];
  const writer = new FrameWriter((frames, data) => {
    parts.push(frames.slice());
    if (data !== undefined) parts.push(data.slice());
  }, first);
  write(writer);
  writer.flush();
  return Buffer.concat(parts);
}

/** What a reader makes of bytes that come in pieces of these lengths, over and over. */
function read(bytes: Uint8Array, lengths: readonly number[]): unknown[] {
  const told: unknown[] = [];
  let target = new Uint8Array();
  const reader = new FrameReader({
    begin: ({ b }) => {
      target = new Uint8Array(b);
      return target;
    },
    filled: ({ flag, a, b, c }) => told.push(['data', flag, a, b, c, Buffer.from(target).toString('hex')]),
    take: ({ kind, flag, slot, a, b, c, time }: Frame) =>
      told.push(kind === FRAME_BEGAN ? [kind, flag, slot, a, time] : [kind, flag, slot, a, b, c]),
  });
  for (let at = 0, i = 0; at < bytes.byteLength; i++) {
    const length = lengths[i % lengths.length]!;
    reader.take(bytes.subarray(at, at + length));
    at += length;
  }
  return told;
}

const word = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });
const one = fc.oneof(
  fc.record({
    kind: fc.integer({ min: 3, max: 7 }),
    flag: fc.nat(255),
    slot: fc.nat(4095),
    a: word,
    b: word,
    c: word,
  }),
  fc.record({ slot: fc.nat(4095), flag: fc.nat(1), a: word, time: fc.double({ noNaN: true }) }),
  fc.record({ ring: fc.nat(1), a: word, c: word, data: fc.uint8Array({ minLength: 1, maxLength: 9000 }) }),
);

test('what is written is read, wherever it is cut', () => {
  fc.assert(
    fc.property(
      fc.array(one, { maxLength: 30 }),
      fc.array(fc.integer({ min: 1, max: 5000 }), { minLength: 1, maxLength: 8 }),
      (frames, lengths) => {
        const expected: unknown[] = [];
        const bytes = sent((writer) => {
          for (const frame of frames) {
            if ('kind' in frame) {
              const { kind, flag, slot, a, b, c } = frame;
              writer.frame(kind, flag, slot, a, b, c);
              expected.push([kind, flag, slot, a, b, c]);
            } else if ('data' in frame) {
              const { ring, a, c, data } = frame;
              writer.data(ring, a, data, c);
              expected.push(['data', ring, a, data.byteLength, c, Buffer.from(data).toString('hex')]);
            } else {
              writer.timed(FRAME_BEGAN, frame.flag, frame.slot, frame.a, frame.time);
              expected.push([FRAME_BEGAN, frame.flag, frame.slot, frame.a, frame.time]);
            }
          }
        });
        assert.deepEqual(read(bytes, lengths), expected);
        assert.deepEqual(read(bytes, [1]), expected);
      },
    ),
    { numRuns: 50 },
  );
});

test('what comes first is a greeting, of the same version', () => {
  const silent = sent((writer) => writer.frame(FRAME_DATA, 0, 0, 0, 8, 1), false);
  assert.throws(() => read(silent, [100]), BrokenProtocol);
  const other = sent(() => {});
  other[8] = other[8]! + 1;
  assert.throws(() => read(other, [3]), /speaks version \d+, this side \d+/);
  const noise = Uint8Array.from({ length: 100 }, (_, i) => i + FRAME_HELLO);
  assert.throws(() => read(noise, [7]), /no greeting/);
});

test('a slot that cannot be', () => {
  const bytes = sent((writer) => writer.frame(4, 0, 4096, 0, 0, 0));
  assert.throws(() => read(bytes, [16]), /slot 4096/);
});

test('nothing is written before it is flushed, or there is much of it', () => {
  let writes = 0;
  const writer = new FrameWriter(() => {
    writes += 1;
  });
  for (let i = 0; i < 1000; i++) writer.frame(4, 0, 1, 0, 0, 0);
  assert.equal(writes, 0);
  for (let i = 0; i < 4000; i++) writer.frame(4, 0, 1, 0, 0, 0);
  assert.equal(writes, 1);
  writer.flush();
  writer.flush();
  assert.equal(writes, 2);
});

/** Rings of which each side has a copy. */
import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import {
  createSegment,
  HEADER_WORDS,
  MirrorReader,
  MirrorWriter,
  moveTail,
  RingCopy,
  Segment,
} from '#simul/memory/index.js';

/** A writer and a reader; what they say of each other is delivered when that is asked for, in order each way. */
function mirrored(bytes: number) {
  const [here, there] = [new Segment(createSegment(bytes)), new Segment(createSegment(bytes))];
  const forth: (() => void)[] = [];
  const back: (() => void)[] = [];
  const copy = new RingCopy(there.submission);
  const writer = new MirrorWriter(here.submission, {
    data: (start, data, head) => {
      // The bytes stay as they are until the tail has passed them: they are looked at when they arrive.
      forth.push(() => {
        copy.begin(start, data.byteLength, head).set(data);
        copy.filled(head);
      });
    },
    flush: () => {},
  });
  const reader = new MirrorReader(
    there.submission,
    (tail) => back.push(() => moveTail(here.submission, tail)),
    true,
  );
  return { here, there, writer, reader, forth, back, copy };
}

test('records arrive as they were written, whatever is late', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat(200), fc.constantFrom('write', 'publish', 'forth', 'back', 'read')), {
        maxLength: 400,
      }),
      (steps) => {
        const { writer, reader, forth, back } = mirrored(1024);
        const expected: number[][] = [];
        let next = 0;
        const read = (): boolean => {
          const at = reader.next();
          if (at < 0) return false;
          const { words, bytes } = reader.ring;
          const from = (at + HEADER_WORDS) * 4;
          assert.deepEqual([...bytes.subarray(from, from + words[at + 5]!)], expected.shift());
          reader.release(at);
          return true;
        };
        for (const [size, step] of steps) {
          if (step === 'publish') writer.publish();
          else if (step === 'forth') forth.shift()?.();
          else if (step === 'back') back.shift()?.();
          else if (step === 'read') read();
          else {
            const at = writer.tryReserve(size);
            if (at < 0) continue;
            const payload = Array.from({ length: size }, () => next++ & 255);
            writer.ring.words[at + 5] = size;
            writer.ring.bytes.set(payload, (at + HEADER_WORDS) * 4);
            expected.push(payload);
          }
        }
        writer.publish();
        for (const deliver of forth) deliver();
        while (read());
        assert.deepEqual(expected, []);
        for (const deliver of back) deliver();
        // However much has not been told, there is room for the largest record.
        assert.ok(writer.tryReserve(writer.ring.largest) >= 0);
      },
    ),
  );
});

test('bytes that do not follow, do not fit or overtake the reader are refused', () => {
  const { here, copy, there } = mirrored(1024);
  assert.equal(there.submission.units, 128);
  for (const [start, length, head] of [
    [1, 8, 2],
    [0, 0, 0],
    [0, 12, 2],
    [0, -8, 1],
    [0, 16, 1],
    [0, 2048, 256],
    [0, 8, 129],
    [0, Number.NaN, 1],
  ] as const) {
    assert.throws(() => copy.begin(start, length, head), /bytes from/, `${start} ${length} ${head}`);
  }
  copy.begin(0, 1024, 128);
  copy.filled(128);
  assert.throws(() => copy.begin(128, 8, 129), /bytes from/);
  assert.throws(() => moveTail(here.submission, 1), /a tail at 1/);
  assert.throws(() => moveTail(here.submission, -1), /a tail at -1/);
});

import assert from 'node:assert/strict';
import test from 'node:test';
import { Worker } from 'node:worker_threads';
import fc from 'fast-check';
import { CLOSED, createSegment, HEADER_WORDS, RingReader, RingWriter, Segment } from '#simul/memory/index.js';

function ring(bytes: number): { writer: RingWriter; reader: RingReader } {
  const segment = new Segment(createSegment(bytes));
  return { writer: new RingWriter(segment.submission), reader: new RingReader(segment.submission) };
}

test('records come out as they went in, whatever their sizes, around the end of the ring', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(96), fc.boolean()), { maxLength: 200 }), (steps) => {
      const { writer, reader } = ring(1024);
      const expected: number[][] = [];
      let next = 0;
      const take = (): void => {
        const at = reader.next();
        const wanted = expected.shift();
        if (wanted === undefined) return assert.equal(at, -1);
        const { words, bytes } = reader.ring;
        const payload = [
          ...bytes.subarray((at + HEADER_WORDS) * 4, (at + HEADER_WORDS) * 4 + words[at + 5]!),
        ];
        assert.deepEqual(payload, wanted);
        reader.release(at);
      };
      for (const [size, read] of steps) {
        const payload = Array.from({ length: size }, () => next++ & 255);
        const at = writer.tryReserve(size);
        if (at < 0) take();
        else {
          writer.ring.words[at + 5] = size;
          writer.ring.bytes.set(payload, (at + HEADER_WORDS) * 4);
          writer.publish();
          expected.push(payload);
        }
        if (read) take();
      }
      while (expected.length > 0) take();
    }),
  );
});

test('a full ring has no room until something is taken', () => {
  const { writer, reader } = ring(256);
  let written = 0;
  while (writer.tryReserve(8) >= 0) written += 1;
  writer.publish();
  assert.equal(written, 6);
  reader.release(reader.next());
  assert.ok(writer.tryReserve(8) >= 0);
});

test('positions wrap', () => {
  const { writer, reader } = ring(256);
  const { control, head, tail } = writer.ring;
  control[head] = 0x7fff_fff0;
  control[tail] = 0x7fff_fff0;
  const w = new RingWriter(writer.ring);
  const r = new RingReader(reader.ring);
  for (let i = 0; i < 100; i++) {
    const at = w.tryReserve(8);
    assert.ok(at >= 0);
    w.ring.words[at + HEADER_WORDS] = i;
    w.publish();
    const got = r.next();
    assert.equal(r.ring.words[got + HEADER_WORDS], i);
    r.release(got);
  }
});

test('a claim is given to the worker or taken back, never both', () => {
  const segment = new Segment(createSegment(256));
  segment.openSlot(3);
  assert.equal(segment.claim(3), 0);
  assert.equal(segment.claim(3), 1);
  assert.equal(segment.close(3), 2);
  assert.ok(segment.claim(3) >= CLOSED);
  assert.ok(segment.close(3) >= CLOSED);
});

test('a million records between two threads, in order', { timeout: 60_000 }, async () => {
  const buffers = createSegment(1 << 16);
  const segment = new Segment(buffers);
  const url = new URL(import.meta.resolve('#simul/memory/index.js')).href;
  const worker = new Worker(
    `const { workerData } = require('node:worker_threads');
     import(${JSON.stringify(url)}).then(({ Segment, RingWriter, HEADER_WORDS }) => {
       const writer = new RingWriter(new Segment(workerData).completion);
       for (let i = 0; i < 1e6; i++) {
         let at = writer.tryReserve(8 + (i % 5) * 8);
         while (at < 0) { writer.publish(); writer.waitForRoom(100); at = writer.tryReserve(8 + (i % 5) * 8); }
         writer.ring.words[at + HEADER_WORDS] = i;
         if (i % 7 === 0) writer.publish();
       }
       writer.publish();
     });`,
    { eval: true, workerData: buffers },
  );
  const reader = new RingReader(segment.completion);
  for (let i = 0; i < 1e6; ) {
    const at = reader.next();
    if (at < 0) {
      await new Promise((resolve) => setImmediate(resolve));
      continue;
    }
    assert.equal(reader.ring.words[at + HEADER_WORDS], i);
    reader.release(at);
    i += 1;
  }
  await worker.terminate();
});

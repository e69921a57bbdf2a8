/** Parking: no ring is lost, whoever waits however, and nothing rings where nobody waits. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { Worker } from 'node:worker_threads';
import { createSegment, RingReader, RingWriter, Segment } from '#simul/memory/index.js';

test('a ring wakes who announced, and only then', async () => {
  const { workerBell: owner, control } = new Segment(createSegment(256));
  const { workerBell: ringer } = new Segment({
    ...createSegment(256),
    control: control.buffer as SharedArrayBuffer,
  });
  let rung = 0;
  ringer.ring();
  const seen = owner.announce();
  await new Promise<void>((resolve) => {
    assert.ok(
      owner.arm(seen, () => {
        rung += 1;
        resolve();
      }),
    );
    ringer.ring();
  });
  assert.equal(rung, 1);
  // Taken by the first ring: the second finds nobody, and a late arm with the old number is told at once.
  ringer.ring();
  assert.equal(
    owner.arm(seen, () => assert.fail('rang for nobody')),
    false,
  );
  assert.equal(owner.announce(), seen + 1);
  owner.withdraw();
  ringer.ring();
  assert.equal(owner.announce(), seen + 1);
});

test('a wait that is disarmed is told', async () => {
  const { workerBell: owner } = new Segment(createSegment(256));
  await new Promise<void>((resolve) => {
    assert.ok(owner.arm(owner.announce(), resolve));
    owner.disarm();
  });
});

/** Echoes every record; waits by blocking, as a worker does. */
const ECHO = `
const { workerData } = require('node:worker_threads');
import(workerData.url).then(({ Segment, RingReader, RingWriter, HEADER_WORDS }) => {
  const segment = new Segment(workerData.buffers);
  const reader = new RingReader(segment.submission);
  const writer = new RingWriter(segment.completion);
  for (;;) {
    const at = reader.next();
    if (at < 0) {
      const seen = segment.workerBell.announce();
      if (reader.empty) segment.workerBell.waitSync(seen, 60_000);
      segment.workerBell.withdraw();
      continue;
    }
    const value = reader.ring.words[at + HEADER_WORDS];
    reader.release(at);
    let to = writer.tryReserve(8);
    while (to < 0) { writer.waitForRoom(60_000); to = writer.tryReserve(8); }
    writer.ring.words[to + HEADER_WORDS] = value;
    writer.publish();
    segment.parentBell.ring();
    if (value === -1) return;
  }
});
`;

test('200,000 records there and back in random bursts, both sides parking: none is lost', {
  timeout: 60_000,
}, async () => {
  const HEADER_WORDS = 8;
  const buffers = createSegment(1 << 12);
  const segment = new Segment(buffers);
  const url = import.meta.resolve('#simul/memory/index.js');
  const worker = new Worker(ECHO, { eval: true, workerData: { url, buffers } });
  const writer = new RingWriter(segment.submission);
  const reader = new RingReader(segment.completion);
  const total = 200_000;
  let sent = 0;
  let received = 0;
  let random = 1;
  const next = (): number => {
    random = (Math.imul(random, 1664525) + 1013904223) | 0;
    return (random >>> 16) % 200;
  };
  await new Promise<void>((resolve) => {
    const turn = (): void => {
      for (let burst = next(); burst > 0 && sent < total; burst--) {
        const at = writer.tryReserve(8);
        if (at < 0) break;
        writer.ring.words[at + HEADER_WORDS] = sent++;
      }
      writer.publish();
      segment.workerBell.ring();
      park();
    };
    const park = (): void => {
      segment.parentBell.withdraw();
      for (;;) {
        for (let at = reader.next(); at >= 0; at = reader.next()) {
          assert.equal(reader.ring.words[at + HEADER_WORDS], received++);
          reader.release(at);
        }
        if (received === total) return resolve();
        if (received === sent) return void setImmediate(turn);
        const seen = segment.parentBell.announce();
        if (reader.empty && segment.parentBell.arm(seen, park)) return;
        segment.parentBell.withdraw();
      }
    };
    turn();
  });
  assert.equal(received, total);
  await worker.terminate();
});

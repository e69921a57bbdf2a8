import assert from 'node:assert/strict';
import test from 'node:test';
import { MessageChannel } from 'node:worker_threads';
import { createSegment, RingReader, RingWriter, Segment } from '#simul/memory/index.js';
import { Link, type ToParent, type ToWorker } from '#simul/protocol/index.js';
import { Outbox } from '#simul/worker/outbox.js';

const MANNER = { left: 1000, times: undefined, owned: false, quiet: true };

test('results of changing kinds share records: a number that a column does not take leaves the batch open', () => {
  const segment = new Segment(createSegment());
  const { port1 } = new MessageChannel();
  const link = new Link<ToParent, ToWorker>(
    {
      port: port1,
      writer: new RingWriter(segment.completion),
      reader: new RingReader(segment.submission),
      own: segment.workerBell,
      peer: segment.parentBell,
    },
    () => {},
  );
  const outbox = new Outbox(link, new Set(), () => {});
  for (let item = 0; item < 60; item++) {
    const value = item % 2 === 0 ? item : 'text';
    if (typeof value === 'number' && outbox.tryNumber(0, item, value, 1000)) continue;
    outbox.result(0, item, value, MANNER);
  }
  outbox.close();
  port1.close();
  const reader = new RingReader(segment.completion);
  let records = 0;
  for (let header = reader.next(); header >= 0; header = reader.next()) {
    records += 1;
    reader.release(header);
  }
  assert.equal(records, 2, 'a column of one, a batch of the others');
});

/** Links, growing batches and the parking of both sides, through all schedules or those with few preemptions. */
import test from 'node:test';
import type { Edit, Program } from '#simul/testing/index.js';
import { all, findsAll, LOST, load, RACE } from './support.js';

/** Two results fill a batch, two at once are many; numbers need no codec. */
const SHRUNK: readonly Edit[] = [
  { file: 'worker/result-batch.js', from: 'ROOM = 8192', to: 'ROOM = 16' },
  { file: 'transport/inbox.js', from: 'THICK = 8', to: 'THICK = 2' },
  {
    file: 'worker/outbox.js',
    from: "'../codec/index.js'",
    to: JSON.stringify(new URL('./programs/codec-stub.js', import.meta.url).href),
  },
  {
    file: 'protocol/ring-port.js',
    from: "'./serialize.js'",
    to: JSON.stringify(new URL('./programs/serialize-stub.js', import.meta.url).href),
  },
];

const channel = (): Promise<Program> => load('channel', SHRUNK);

test('batches: no result is read before it is whole, none is lost, whoever waits is woken', async () => {
  const program = await channel();
  all(program, { scenario: 'results', maxPreemptions: 2 });
  all(program, { scenario: 'hotResults', maxPreemptions: 2 });
  all(program, { scenario: 'answered', maxPreemptions: 2 });
});

test('messages by rings: each once, whole, in its place among the records; whoever waits is woken', async () => {
  const program = await channel();
  for (const scenario of [
    'orderedByRings',
    'messageAnswered',
    'crowdedMessages',
    'crowdedParent',
    'blockingProcess',
    'loopingProcess',
  ]) {
    all(program, { scenario, maxPreemptions: 2 });
  }
});

test('batches: a worker that waits for room behind a closed batch rings', async () => {
  all(await channel(), { scenario: 'crowdedResults', maxPreemptions: 2 });
});

test('batches: all schedules of one result', async () => {
  all(await channel(), { scenario: 'oneResult' });
  all(await channel(), { scenario: 'onlyResult' });
});

test('batches with times', async () => {
  all(await channel(), { scenario: 'timedResults', maxPreemptions: 2 });
});

test('link: records and messages keep their order', async () => {
  all(await channel(), { scenario: 'ordered', maxPreemptions: 2 });
});

test('parking: job and result, both sides asleep in between', async () => {
  const program = await channel();
  all(program, { scenario: 'blockingWorker', maxPreemptions: 2 });
  all(program, { scenario: 'blockingWorker', timeouts: 1, maxPreemptions: 2 });
  all(program, { scenario: 'loopingWorker', maxPreemptions: 2 });
  all(program, { scenario: 'twoJobs', maxPreemptions: 1 });
});

test('batches: faults', async () => {
  const file = 'worker/result-batch.js';
  const counts = 'store(ring.words, this.#at + COUNT, load(ring.words, this.#at + COUNT) + 1);';
  await findsAll(
    'channel',
    [
      {
        fault: 'COUNT is stored before the bytes',
        scenario: 'results',
        shows: RACE,
        edits: [
          { file, from: counts, to: '' },
          {
            file,
            from: 'packer.copyTo(ring.bytes, (this.#word + head) * 4);',
            to: `${counts} packer.copyTo(ring.bytes, (this.#word + head) * 4);`,
          },
        ],
      },
      {
        fault: 'an open batch is given back',
        scenario: 'results',
        shows: /./,
        maxPreemptions: 2,
        edits: [{ file: 'transport/batch.js', from: 'if (state < BATCH_CLOSED) return false;', to: '' }],
      },
      {
        fault: 'a record follows an open batch',
        scenario: 'results',
        shows: LOST,
        edits: [
          {
            file: 'worker/outbox.js',
            from: 'this.#batch.close(); const at = this.#reserve(',
            to: 'const at = this.#reserve(',
          },
        ],
      },
      {
        fault: 'the last look passes over what has come into an open batch',
        scenario: 'answered',
        shows: LOST,
        maxPreemptions: 2,
        edits: [
          {
            file: 'transport/inbox.js',
            from: 'thick ? this.#batch.open : this.#batch.waits',
            to: 'this.#batch.open',
          },
          { file: 'transport/inbox.js', from: 'const thick = took >= THICK;', to: 'const thick = false;' },
        ],
      },
      {
        fault: 'who waits for room does not ring',
        scenario: 'crowdedResults',
        shows: LOST,
        maxPreemptions: 2,
        edits: [{ file: 'worker/outbox.js', from: 'link.parts.peer.ring();', to: '' }],
      },
    ],
    SHRUNK,
  );
});

test('link and parking: faults', async () => {
  await findsAll(
    'channel',
    [
      {
        fault: 'PARKED is read before the record is published',
        scenario: 'blockingWorker',
        shows: LOST,
        maxPreemptions: 2,
        edits: [
          {
            file: 'protocol/link.js',
            from: 'this.writer.publish(); this.parts.peer.ring();',
            to: 'this.parts.peer.ring(); this.writer.publish();',
          },
        ],
      },
      {
        fault: 'a message does not ring',
        scenario: 'blockingWorker',
        shows: LOST,
        maxPreemptions: 2,
        edits: [
          {
            file: 'protocol/link.js',
            from: '// A blocked thread takes no event of its port. this.parts.peer.ring();',
            to: '',
          },
        ],
      },
      {
        fault: 'a worker blocks without a look at its messages',
        scenario: 'blockingWorker',
        shows: LOST,
        maxPreemptions: 2,
        edits: [
          { file: 'worker/parking.js', from: 'if (this.#host.takeMessages()) return this.#found();', to: '' },
        ],
      },
      {
        fault: 'a worker waits without a second look at the ring',
        scenario: 'blockingWorker',
        shows: LOST,
        maxPreemptions: 2,
        edits: [
          {
            file: 'worker/parking.js',
            from: 'let seen = bell.announce(); if (this.#anything()) return this.#found();',
            to: 'let seen = bell.announce();',
          },
        ],
      },
      {
        fault: 'a message overtakes the records before it',
        scenario: 'ordered',
        shows: /./,
        maxPreemptions: 2,
        edits: [
          { file: 'transport/inbox.js', from: 'this.#records(Number.POSITIVE_INFINITY, true);', to: '' },
        ],
      },
    ],
    SHRUNK,
  );
});

test('messages by rings: faults', async () => {
  const port = 'protocol/ring-port.js';
  await findsAll(
    'channel',
    [
      {
        fault: 'a message overtakes the records before it',
        scenario: 'orderedByRings',
        shows: /./,
        maxPreemptions: 2,
        edits: [
          { file: 'transport/inbox.js', from: 'this.#records(Number.POSITIVE_INFINITY, true);', to: '' },
        ],
      },
      {
        fault: 'a message is counted when it is polled, and again when it has arrived',
        scenario: 'orderedByRings',
        shows: /./,
        maxPreemptions: 2,
        edits: [
          {
            file: 'protocol/link.js',
            from: 'return next?.message;',
            to: 'if (next !== undefined) this.#received = (this.#received + 1) | 0; return next?.message;',
          },
        ],
      },
      {
        fault: 'the last look passes over messages',
        scenario: 'messageAnswered',
        shows: LOST,
        maxPreemptions: 2,
        edits: [
          {
            file: 'transport/inbox.js',
            from: 'const more = this.#link.hasMessages || this.#link.pump();',
            to: 'const more = false;',
          },
        ],
      },
      {
        fault: 'who makes room does not tell who waits for it',
        scenario: 'crowdedParent',
        shows: LOST,
        maxPreemptions: 2,
        edits: [{ file: port, from: 'if (reader.awaited) ring();', to: '' }],
      },
      {
        fault: 'who waits for room does not look again once it has said so',
        scenario: 'crowdedParent',
        shows: LOST,
        maxPreemptions: 2,
        edits: [
          {
            file: port,
            from: 'if (!this.#writePart()) break; any = true;',
            to: 'break;',
          },
        ],
      },
      {
        fault: 'a child waits without a look at its messages',
        scenario: 'loopingProcess',
        shows: LOST,
        maxPreemptions: 2,
        edits: [
          {
            file: 'worker/parking.js',
            from: 'return !this.#host.reader.empty || this.#host.hasMessages();',
            to: 'return !this.#host.reader.empty;',
          },
        ],
      },
    ],
    SHRUNK,
  );
});

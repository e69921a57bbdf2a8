/** A child that writes what no worker writes, to the memory that it shares with the pool, is treated as crashed. */
import assert from 'node:assert/strict';
import { EngineError, WorkerCrashedError } from 'simul';
import { within } from '../api/support.js';
import { processTest } from './support.js';

/** The worker's own side of the memory, as native code gone wild would have it. */
type Insides = {
  segment: { started(slot: number): number } & Record<
    'completion' | 'up',
    { words: Int32Array; control: Int32Array; head: number }
  > & {
      parentBell: { ring(): void };
    };
  outbox: { message(message: unknown): void; end(slot: number, started: number, elapsed: number): void };
};

const garbage: Readonly<Record<string, (insides: Insides) => void>> = {
  'a record of an unknown kind': ({ segment: { completion: ring } }) => {
    const at = (Atomics.load(ring.control, ring.head) & (ring.words.length / 2 - 1)) * 2;
    ring.words.set([4, 99, 0, 0, 0, 0, 0, 0], at);
    Atomics.add(ring.control, ring.head, 4);
  },
  'a record of no size': ({ segment: { completion: ring } }) => {
    const at = (Atomics.load(ring.control, ring.head) & (ring.words.length / 2 - 1)) * 2;
    ring.words[at] = 0;
    Atomics.add(ring.control, ring.head, 4);
  },
  'noise in the ring': ({ segment: { completion: ring } }) => {
    for (let i = 0; i < ring.words.length; i++) ring.words[i] = Math.floor(Math.random() * 2 ** 32) | 0;
    Atomics.add(ring.control, ring.head, 4096);
  },
  'a head beyond the ring': ({ segment: { completion: ring } }) => {
    Atomics.add(ring.control, ring.head, 2 ** 30);
  },
  'noise among the messages': ({ segment: { up: ring } }) => {
    for (let i = 0; i < ring.words.length; i++) ring.words[i] = Math.floor(Math.random() * 2 ** 32) | 0;
    Atomics.add(ring.control, ring.head, 4096);
  },
  'a message of an unknown type': ({ outbox }) => outbox.message({ type: 'nonsense' }),
  'a message that is none': ({ outbox }) => outbox.message(null),
  'a request of no shape': ({ outbox }) => outbox.message({ type: 'request', request: { ask: 'submit' } }),
  'a result without a body': ({ outbox }) =>
    outbox.message({ type: 'result', slot: 0, index: 0, failed: false, times: {}, body: null }),
  'a result that nobody asked for': ({ outbox }) =>
    outbox.message({
      type: 'result',
      slot: 4000,
      index: 77,
      failed: false,
      times: { began: 0, over: 0 },
      body: { bytes: new Uint8Array(1), extras: [], assets: [], hashes: [], modules: [] },
    }),
  'the end of half an item': ({ outbox }) => outbox.end(0, -3, 0),
  'an end after no time that there is': ({ outbox }) => outbox.end(0, 1, Number.NaN),
};

for (const [name, write] of Object.entries(garbage)) {
  processTest(`garbage: ${name} is a crash`, 1, async (pool) => {
    const pid = await pool.run(() => process.pid);
    const error: unknown = await within(
      10_000,
      pool
        .run(() => {
          const worker = (globalThis as Record<symbol, unknown>)[Symbol.for('simul.worker.1')] as Insides;
          write(worker);
          worker.segment.parentBell.ring();
          // Nothing else is written over it.
          for (;;);
        })
        .catch((reason) => reason),
      'the task',
    );
    assert.ok(error instanceof WorkerCrashedError, String(error));
    assert.ok(error.cause instanceof EngineError);
    assert.match(error.cause.message, /no worker sends/);
    assert.notEqual(await pool.run(() => process.pid), pid);
  });
}

for (const [name, last] of [
  ['the result of another item', { type: 'result', index: 0, failed: false }],
  ['a result of an item to come', { type: 'result', index: 3, failed: false }],
  ['the end of a stream that was another item', { type: 'stream', index: 0, part: { step: 'end' } }],
] as const) {
  processTest(`garbage: ${name} is a crash, and no item is told twice`, 1, async (pool) => {
    const work = (n: number): string => {
      if (n < 2) return `x${n}`;
      const worker = (globalThis as Record<symbol, unknown>)[Symbol.for('simul.worker.1')] as Insides;
      let slot = 0;
      while (worker.segment.started(slot) !== 3) slot += 1;
      const body = { bytes: new Uint8Array(1), extras: [], assets: [], hashes: [], modules: [] };
      worker.outbox.message({ ...last, slot, times: { began: 0, over: 0 }, body });
      worker.segment.parentBell.ring();
      for (;;);
    };
    const map = pool.map([0, 1, 2], work, { chunk: 3, onError: 'settle' });
    const [first, second, third] = await within(10_000, map, 'the map');
    assert.deepEqual(
      [first, second],
      ['x0', 'x1'].map((value) => ({ status: 'fulfilled', value })),
    );
    assert.equal(third!.status, 'rejected');
    const { reason } = third as PromiseRejectedResult;
    assert.ok(reason instanceof WorkerCrashedError, String(reason));
    assert.match((reason.cause as Error).message, /no worker sends/);
    assert.equal(await pool.run(() => 5), 5);
  });
}

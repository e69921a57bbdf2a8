/** A child that writes to its pipe what no worker writes is treated as crashed, and says what it was. */
import assert from 'node:assert/strict';
import { EngineError, WorkerCrashedError } from 'simul';
import { within } from '../api/support.js';
import { processTest } from '../process/support.js';

process.env.SIMUL_SHARED_MEMORY = 'off';

interface Fields {
  readonly kind: number;
  readonly flag?: number;
  readonly slot?: number;
  readonly a?: number;
  readonly b?: number;
  readonly c?: number;
}

/** A frame as `protocol/frames.ts` has them. */
function frame({ kind, flag = 0, slot = 0, a = 0, b = 0, c = 0 }: Fields, data = 0): Uint8Array {
  const bytes = Buffer.alloc(16 + data, 7);
  bytes[0] = kind;
  bytes[1] = flag;
  bytes.writeUInt16LE(slot, 2);
  for (const [i, word] of [a, b, c].entries()) bytes.writeInt32LE(word, 4 + i * 4);
  return bytes;
}

const [HELLO, DATA, TAIL, BEGAN, WANT, OVER, RETURNED] = [1, 2, 3, 8, 9, 10, 11];
const noise = Uint8Array.from({ length: 5000 }, (_, i) => (i * 7919 + 13 * i * i) % 251);

const garbage: Readonly<Record<string, readonly [Uint8Array, RegExp]>> = {
  noise: [noise, /./],
  'a frame of unknown kind': [frame({ kind: 99 }), /unknown kind 99/],
  'another greeting': [frame({ kind: HELLO! }), /unknown kind 1/],
  'a frame of a slot that is none': [frame({ kind: WANT!, slot: 65_535 }), /slot 65535/],
  'a frame for a ring that is none': [frame({ kind: DATA!, flag: 7, b: 8, c: 1 }), /ring 7/],
  'bytes longer than the ring': [frame({ kind: DATA!, flag: 1, b: 2 ** 30, c: 2 ** 27 }), /1073741824 bytes/],
  'bytes of a negative length': [frame({ kind: DATA!, b: -8, c: 1 }), /-8 bytes/],
  'bytes of no length': [frame({ kind: DATA!, b: 0, c: 0 }), /0 bytes/],
  'bytes at a place that is not next': [frame({ kind: DATA!, a: 9000, b: 8, c: 9001 }), /from 9000/],
  'a tail beyond the head': [frame({ kind: TAIL!, a: 2 ** 20 }), /tail at 1048576/],
  'a tail that goes back': [frame({ kind: TAIL!, flag: 1, a: -5 }), /tail at -5/],
  'the beginning of an item that nobody granted': [frame({ kind: BEGAN!, slot: 4000 }), /slot 4000/],
  'the beginning of an item again': [frame({ kind: BEGAN! }), /item 0/],
  'a wish for an item that is not next': [frame({ kind: WANT!, slot: 3, a: 77 }), /item 77/],
};

for (const [name, [bytes, says]] of Object.entries(garbage)) {
  processTest(`garbage: ${name} is a crash`, 1, async (pool) => {
    const pid = await pool.run(() => process.pid);
    const error: unknown = await within(
      10_000,
      pool
        .run((given: Uint8Array) => {
          process.getBuiltinModule('node:fs').writeSync(4, given);
          for (;;);
        }, bytes)
        .catch((reason) => reason),
      'the task',
    );
    assert.ok(error instanceof WorkerCrashedError, String(error));
    assert.ok(error.cause instanceof EngineError);
    assert.match(error.cause.message, /no worker sends/);
    assert.match(error.cause.message, says);
    assert.notEqual(await pool.run(() => process.pid), pid);
  });
}

processTest('garbage: a pipe that is closed is a crash', 1, async (pool) => {
  const error: unknown = await within(
    10_000,
    pool
      .run(() => {
        process.getBuiltinModule('node:fs').closeSync(4);
        for (;;);
      })
      .catch((reason) => reason),
    'the task',
  );
  assert.ok(error instanceof WorkerCrashedError);
  assert.match((error.cause as Error).message, /closed the way/);
});

processTest('what is no harm: a job that is over, or was never there, is told to be', 1, async (pool) => {
  const bytes = Buffer.concat([frame({ kind: OVER! }), frame({ kind: RETURNED!, slot: 17, b: 123_456 })]);
  assert.equal(
    await pool.run((given: Uint8Array) => process.getBuiltinModule('node:fs').writeSync(4, given), bytes),
    bytes.byteLength,
  );
});

processTest('half a frame, then its death: what came before counts', 1, async (pool) => {
  const all = await pool.map(
    [0, 1, 2, 3],
    (n) => {
      if (n === 2) {
        process.getBuiltinModule('node:fs').writeSync(4, new Uint8Array(7).fill(2));
        process.exit(5);
      }
      return n;
    },
    { chunk: 4, onError: 'settle' },
  );
  assert.deepEqual(
    all.map((result) =>
      result.status === 'fulfilled' ? result.value : (result.reason as { exitCode: number }).exitCode,
    ),
    [0, 1, 5, 3],
  );
});

/** What is said of tasks whose worker dies: how, at which attempt, and where memory was the cause. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { EngineError, Pool, task, WorkerCrashedError } from 'simul';
import { kind, poolTest, within } from './support.js';

const MiB = 2 ** 20;

/** What a call rejects with. */
async function failure(call: PromiseLike<unknown>): Promise<WorkerCrashedError> {
  const error: unknown = await within(20_000, call, 'the call').then(
    (value) => assert.fail(`it gave ${String(value)}`),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof WorkerCrashedError, String(error));
  return error;
}

const hoard = (): never => {
  const all: unknown[] = [];
  for (;;) all.push(Array.from({ length: 1000 }, (_, i) => i + 0.5));
};

poolTest('a full heap is said to be one', { workers: 1, maxHeap: 32 * MiB }, async (pool) => {
  const error = await failure(pool.with({ name: 'hoard' }).run(hoard));
  assert.match(error.message, /"hoard".*out of memory: its JavaScript heap.*32 MiB \(maxHeap\).*attempt 1/);
  assert.equal(error.memoryLimit, 32 * MiB);
  if (kind === 'process') {
    assert.ok(error.memoryUsed! > 16 * MiB && error.memoryUsed! < 64 * MiB, `${error.memoryUsed} bytes`);
    assert.equal(error.signal, 'SIGABRT');
    assert.match(error.stderr ?? '', /FATAL ERROR.*out of memory/);
    assert.doesNotMatch(error.stderr ?? '', /OOMErrorHandler/, 'nothing of addresses in Node');
  }
  assert.equal(await pool.run(() => 1), 1);
});

poolTest('what was printed before is in the error of a process', { workers: 1 }, async (pool) => {
  const error = await failure(
    pool.run(() => {
      console.error('the last word');
      process.exit(3);
    }),
  );
  assert.equal(error.exitCode, 3);
  assert.equal(error.memoryLimit, undefined);
  if (kind === 'process') {
    assert.match(error.message, /exit code 3, attempt 1.*\n.*the last word/s);
    assert.equal(error.stderr, 'the last word');
  }
});

poolTest(
  'a task that kills its worker at each attempt is rejected with all of its deaths',
  {},
  async (pool) => {
    const good = pool.map(
      Array.from({ length: 100 }, (_, i) => i),
      (n) => n,
    );
    const error = await failure(
      pool.with({ retries: 3, name: 'deadly' }).run(() => {
        process.exit(10 + task().attempt);
      }),
    );
    assert.match(error.message, /"deadly".*exit code 14, attempt 4.*the last of 4 attempts/s);
    assert.equal(error.exitCode, 14);
    assert.equal(error.task?.attempt, 4);
    assert.match(error.stack ?? '', /crashes\.test/);
    assert.ok(error.cause instanceof AggregateError);
    const deaths = error.cause.errors as WorkerCrashedError[];
    assert.deepEqual(
      deaths.map(({ exitCode, task: origin }) => [exitCode, origin?.attempt]),
      [11, 12, 13, 14].map((code, i) => [code, i + 1]),
    );
    assert.equal((await good).length, 100);
    assert.equal(pool.stats().retried, 3);
  },
);

poolTest('the same in a map: each item with its own deaths', {}, async (pool) => {
  const all = await pool.map(
    [0, 1, 2, 3, 4, 5],
    (n) => {
      const { attempt } = task();
      if (n % 2 === 0 && attempt === 1) throw new RangeError(`of ${n}`);
      if (n === 4 || (n === 3 && attempt < 3)) process.exit(n);
      return n;
    },
    { retries: 2, onError: 'settle', chunk: 3 },
  );
  assert.deepEqual(
    all.map(({ status }) => status),
    ['fulfilled', 'fulfilled', 'fulfilled', 'fulfilled', 'rejected', 'fulfilled'],
  );
  const { reason } = all[4] as PromiseRejectedResult;
  assert.ok(reason instanceof WorkerCrashedError);
  const [first, ...deaths] = (reason.cause as AggregateError).errors as Error[];
  assert.ok(first instanceof RangeError);
  assert.deepEqual(
    deaths.map((death) => (death as WorkerCrashedError).exitCode),
    [4, 4],
  );
});

poolTest('a task’s own error keeps its own cause, whatever came before', {}, async (pool) => {
  const call = pool.with({ retries: 1 }).run(() => {
    if (task().attempt === 1) process.exit(1);
    throw new TypeError('its own', { cause: 'mine' });
  });
  await assert.rejects(Promise.resolve(call), (error: unknown) => {
    assert.ok(error instanceof TypeError);
    assert.equal(error.cause, 'mine');
    return true;
  });
});

poolTest('very many attempts: the first and the last are kept', { workers: 1 }, async (pool) => {
  // Errors that cost no worker, but the last.
  const error = await failure(
    pool.with({ retries: 150 }).run(() => {
      if (task().attempt === 151) process.exit(2);
      throw new Error(`attempt ${task().attempt}`);
    }),
  );
  const { errors, message } = error.cause as AggregateError;
  assert.equal(errors.length, 65);
  assert.match(message, /each of 151 attempts, in order; 86 in the middle are left out/);
  assert.deepEqual(
    [0, 31, 32, 63].map((i) => (errors[i] as Error).message),
    [1, 32, 119, 150].map((n) => `attempt ${n}`),
  );
});

test('starts that fail: the pool says why, and tries again for what comes later', {
  timeout: 30_000,
}, async () => {
  const pool = new Pool({
    kind,
    workers: 2,
    init: () => {
      console.error('no such device');
      process.exit(9);
    },
  });
  for (let i = 0; i < 2; i++) {
    const begun = performance.now();
    const error: unknown = await within(
      15_000,
      pool.run(() => 1),
      'giving up',
    ).catch((reason) => reason);
    assert.ok(error instanceof EngineError, String(error));
    assert.match(error.message, /end before they run anything/);
    assert.match(
      (error.cause as Error).message,
      kind === 'process' ? /exit code 9.*no such device/s : /exit code 9/,
    );
    // Of three starts, the second waits 50 ms and the third 100; two workers start at a time.
    assert.ok(performance.now() - begun >= 50, 'starts wait');
  }
  await within(5000, pool.close(), 'close');
});

/** A failing item of a stream in input order: what comes before it is let finish, what comes after it is cancelled. */
import assert from 'node:assert/strict';
import { type Pool, task } from 'simul';
import { poolTest, until, within } from './support.js';

const range = (n: number): number[] => Array.from({ length: n }, (_, i) => i);

/** Cells that tests and tasks share. */
const cells = (): Int32Array => new Int32Array(new SharedArrayBuffer(64));
const GATE = 0;
const FAILED = 1;
const ABORTED = 2;
const STARTED = 3;

interface Read {
  readonly values: unknown[];
  /** What it rejected with. */
  readonly error: unknown;
}

async function read(stream: AsyncIterable<unknown>): Promise<Read> {
  const values: unknown[] = [];
  try {
    for await (const value of stream) values.push(value);
  } catch (error) {
    return { values, error };
  }
  return { values, error: undefined };
}

/** A worker of a busy machine may need longer than the usual grace to hear that its task is to stop. */
const grace = 60_000;

/** Resolves once item 5 has failed and a later one has heard of it. */
async function stopped(pool: Pool, flags: Int32Array): Promise<void> {
  try {
    await until(() => Atomics.load(flags, FAILED) === 1 && Atomics.load(flags, ABORTED) > 0, 'the abort');
  } catch (error) {
    throw new Error(`flags ${flags.join()}, ${JSON.stringify(pool.stats())}`, { cause: error });
  }
}

/** Item 0 waits for the gate, 5 fails, 6 and 7 wait for their signal, the others give themselves. */
function gated(flags: Int32Array, failsBeforeNext = false): (n: number) => Promise<number> {
  return async (n) => {
    const pause = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 1));
    if (n > 5) Atomics.add(flags, 3, 1);
    if (n === 0) while (Atomics.load(flags, 0) === 0 && !task().signal.aborted) await pause();
    if (n === 5) {
      while (!failsBeforeNext && Atomics.load(flags, 4) === 0) await pause();
      Atomics.store(flags, 1, 1);
      throw new RangeError('five');
    }
    if (n === 6 || n === 7) {
      const { signal } = task();
      Atomics.store(flags, 4, 1);
      await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
      Atomics.add(flags, 2, 1);
    }
    return n;
  };
}

const five = (error: unknown): void => {
  assert.ok(error instanceof RangeError, String(error));
  assert.equal(error.message, 'five');
  assert.equal((error as RangeError & { task: { index: number } }).task.index, 5);
};

poolTest('the results before a failed item come first, then its error', { workers: 4 }, async (pool) => {
  const flags = cells();
  let closed = 0;
  function* source(): Generator<number> {
    try {
      for (let n = 0; ; n++) yield n;
    } finally {
      closed += 1;
    }
  }
  const reading = read(pool.stream(source(), gated(flags), { chunk: 1, window: 50, grace }));
  // Item 0 still runs, so that nothing could be told yet.
  await stopped(pool, flags);
  assert.equal(closed, 1);
  await until(() => pool.stats().running === 1 && pool.stats().queued === 0, 'item 0 is alone');
  const started = Atomics.load(flags, STARTED);
  Atomics.store(flags, GATE, 1);
  const { values, error } = await within(5000, reading, 'the stream');
  assert.deepEqual(values, [0, 1, 2, 3, 4]);
  five(error);
  // Of each of the other workers one may have been claimed before that and not counted yet.
  assert.ok(Atomics.load(flags, STARTED) <= started + 3, 'no later item has started since');
});

poolTest('chunks of several items: those before it in its own chunk, too', { workers: 4 }, async (pool) => {
  for (const chunk of [3, 4, 8]) {
    const flags = cells();
    const reading = read(pool.stream(range(40), gated(flags, true), { chunk }));
    if (chunk < 8) await until(() => Atomics.load(flags, FAILED) === 1, 'the failure');
    Atomics.store(flags, GATE, 1);
    const { values, error } = await within(5000, reading, 'the stream');
    assert.deepEqual(values, [0, 1, 2, 3, 4], `chunks of ${chunk}`);
    five(error);
  }
});

poolTest('where an earlier item fails meanwhile, the stream ends there', { workers: 4 }, async (pool) => {
  const flags = cells();
  const fn = gated(flags);
  const both = async (n: number): Promise<number> => {
    if (n !== 2) return fn(n);
    while (Atomics.load(flags, 0) === 0) await new Promise((resolve) => setTimeout(resolve, 1));
    throw new TypeError('two');
  };
  const reading = read(pool.stream(range(20), both, { chunk: 1 }));
  await until(() => Atomics.load(flags, FAILED) === 1, 'the failure');
  Atomics.store(flags, GATE, 1);
  const { values, error } = await within(5000, reading, 'the stream');
  assert.deepEqual(values, [0, 1]);
  assert.ok(error instanceof TypeError);
});

poolTest('earlier items have their retries, later ones none', { workers: 4 }, async (pool) => {
  const flags = cells();
  const fn = gated(flags);
  const flaky = async (n: number): Promise<number> => {
    const value = await fn(n);
    if (n === 0 && task().attempt < 3) throw new Error('again');
    return value;
  };
  const retries = { times: 5, delay: 2, when: (error: unknown) => (error as Error).message === 'again' };
  const reading = read(pool.stream(range(20), flaky, { chunk: 1, retries }));
  await until(() => Atomics.load(flags, FAILED) === 1, 'the failure');
  Atomics.store(flags, GATE, 1);
  const { values, error } = await within(5000, reading, 'the stream');
  assert.deepEqual(values, [0, 1, 2, 3, 4]);
  five(error);
});

poolTest(
  'an earlier item is not lost with the worker of a later one',
  { workers: 1, tasksPerWorker: 8 },
  async (pool) => {
    const deaf = async (n: number): Promise<number> => {
      if (n === 5) throw new RangeError('five');
      // Later ones do not heed their signal; item 0 takes many times the grace.
      if (n === 0 || n > 5) await new Promise((resolve) => setTimeout(resolve, n === 0 ? 150 : 300));
      return n;
    };
    const { values, error } = await within(
      5000,
      read(pool.stream(range(8), deaf, { chunk: 1, grace: 1 })),
      'it',
    );
    assert.deepEqual(values, [0, 1, 2, 3, 4]);
    five(error);
  },
);

/** A stream that has failed at item 5 and waits for item 0. */
async function waiting(
  pool: Pool,
  options: { signal?: AbortSignal },
): Promise<AsyncIterableIterator<number>> {
  const flags = cells();
  const stream = pool.stream(range(40), gated(flags), { chunk: 1, grace, ...options });
  void stream.next().catch(() => {});
  await stopped(pool, flags);
  return stream;
}

poolTest('a signal, and leaving, end a stream that waits for earlier items', { workers: 4 }, async (pool) => {
  const idle = (): boolean => pool.stats().running + pool.stats().queued === 0;
  const controller = new AbortController();
  await waiting(pool, { signal: controller.signal });
  controller.abort(new Error('enough'));
  await until(idle, 'nothing runs after the abort');
  const stream = await waiting(pool, {});
  await stream.return?.();
  assert.deepEqual(await stream.next(), { done: true, value: undefined });
  await until(idle, 'nothing runs after leaving');
});

poolTest('map and streams without an order reject at once', { workers: 4 }, async (pool) => {
  // The gate stays shut.
  const rejected = await within(
    5000,
    pool.map(range(40), gated(cells()), { chunk: 1 }).catch((e) => e),
    'map',
  );
  five(rejected);
  const unordered = pool.stream(range(40), gated(cells()), { chunk: 1, ordered: false });
  const { error } = await within(5000, read(unordered), 'the stream');
  five(error);
});

/** Futures as arguments: a call runs once its inputs are there, on what the rest was when it was made. */
import assert from 'node:assert/strict';
import {
  type Future,
  type Pool,
  PoolClosedError,
  run,
  SerializationError,
  TaskTimeoutError,
  task,
} from 'simul';
import { kind, newGate, poolTest, until, waitAt, within } from './support.js';

const add = (a: number, b: number): number => a + b;

/** An input that comes when its gate is opened. */
function gated(pool: Pool, value: number): { readonly input: Future<number>; open(): void } {
  const { file, open } = newGate();
  const input = pool.run(() => {
    waitAt(file);
    return value;
  });
  return { input, open };
}

const fail = (message: string): number => {
  throw new RangeError(message);
};

poolTest('a future arrives as its value, of every kind, at any place', {}, async (pool) => {
  const values: unknown[] = [
    5,
    'text',
    null,
    undefined,
    [1, [2]],
    { a: new Map([[1, 2n]]) },
    new Float64Array(50_000).fill(0.5),
    new Date(7),
  ];
  for (const value of values) {
    const input = pool.run((given: unknown) => given, value);
    assert.deepEqual(await pool.run((given: unknown) => given, input), value);
    assert.deepEqual(await pool.run((a: unknown, b: unknown, c: unknown) => [a, b, c], 'a', input, 'c'), [
      'a',
      value,
      'c',
    ]);
  }
  const settled = pool.run(add, 1, 2);
  await settled;
  assert.equal(await pool.run(add, settled, settled), 6);
  const fn = pool.run(() => (n: number) => n * 2);
  assert.equal(await pool.run((f: (n: number) => number, n: number) => f(n), fn, 21), 42);
});

poolTest('one input given twice is one value there; with what else is given, too', {}, async (pool) => {
  const list = pool.run(() => [1]);
  const both = { name: 'same' };
  const [twice, same] = await pool.run(
    (a: number[], b: number[], x: object, y: object) => [a === b, x === y] as const,
    list,
    list,
    both,
    both,
  );
  assert.deepEqual([twice, same], [true, true]);
});

poolTest('what it captures and is given is as it was at the call', {}, async (pool) => {
  const captured = { n: 1 };
  const given = { n: 10 };
  const { input, open } = gated(pool, 100);
  const sum = pool.run((n: number, other: { n: number }) => n + other.n + captured.n, input, given);
  captured.n = 1000;
  given.n = 1000;
  open();
  assert.equal(await sum, 111);
});

poolTest('a failed input fails what depends on it, without running it', {}, async (pool) => {
  const broken = pool.run(fail, 'broken');
  const mark = (n: number): number => {
    (globalThis as { marked?: number }).marked = n;
    return n;
  };
  const first = pool.with({ retries: 3 }).run(mark, broken);
  const second = pool.run(add, first, 1);
  const errors = await Promise.all([broken, first, second].map((each) => each.catch((error) => error)));
  assert.ok(errors[0] instanceof RangeError);
  assert.equal(errors[1], errors[0]);
  assert.equal(errors[2], errors[0]);
  assert.deepEqual([first.state, second.state], ['failed', 'failed']);
  assert.equal(first.info.attempts, 1);
  const marks = await pool.each(() => (globalThis as { marked?: number }).marked);
  assert.deepEqual(marks, [undefined, undefined]);
  assert.equal(pool.stats().queued, 0);
});

poolTest(
  'to cancel an input reaches those who wait for it; they can be cancelled themselves',
  {},
  async (pool) => {
    const held = pool.run(() => {
      while (!task().signal.aborted);
      return 1;
    });
    const reason = new Error('no more');
    const chain = pool.run(add, pool.run(add, held, 1), 1);
    const left = pool.run(add, held, 5);
    assert.match(left.explain(), new RegExp(`waits for the result of ${held.id}`));
    assert.equal(left.state, 'pending');
    assert.equal(left.cancel(reason), true);
    await assert.rejects(left, reason);
    assert.equal(left.cancel(), false);
    assert.equal(held.state === 'pending' || held.state === 'running', true);
    held.cancel(reason);
    await assert.rejects(chain, reason);
    assert.equal(chain.state, 'cancelled');
  },
);

poolTest('a signal, a deadline and a seed count from the call', {}, async (pool) => {
  const { input: slow, open } = gated(pool, 1);
  const controller = new AbortController();
  const reason = new Error('stop');
  const stopped = pool.with({ signal: controller.signal }).run(add, slow, 1);
  controller.abort(reason);
  await assert.rejects(stopped, reason);
  await assert.rejects(
    pool.with({ deadline: 30, name: 'late' }).run(add, slow, 1),
    (error: Error) =>
      error instanceof TaskTimeoutError && /"late".*deadline of 30 ms: it waits for/.test(error.message),
  );
  const draw = (_: number): number => task().random();
  const drawn = pool.with({ seed: 5 }).run(draw, slow);
  const before = performance.timeOrigin + performance.now();
  const timed = pool.run(add, slow, 1);
  open();
  assert.equal(await drawn, await pool.with({ seed: 5 }).run(draw, 1));
  await timed;
  assert.ok(timed.info.submitted <= before + 50);
});

poolTest('close waits for what waits; terminate refuses it', {}, async (pool) => {
  const { input, open } = gated(pool, 1);
  const chain = pool.run(add, pool.run(add, input, 1), 1);
  const closed = pool.close();
  open();
  assert.equal(await chain, 3);
  await within(5000, closed, 'close');
  await assert.rejects(async () => pool.run(add, chain, 1), PoolClosedError);
});

poolTest('terminate rejects those that wait', {}, async (pool) => {
  const held = pool.run(() => {
    for (;;);
  });
  const waiting = pool.run(add, held as Future<number>, 1);
  const told = assert.rejects(waiting, PoolClosedError);
  held.catch(() => {});
  await pool.terminate();
  await told;
});

poolTest('what cannot be sent is refused at the call', {}, async (pool) => {
  const input = pool.run(add, 1, 2);
  await input;
  await assert.rejects(
    pool.run((_: number, map: object) => map, input, new WeakMap()),
    (error: Error) => error instanceof SerializationError && /WeakMap/.test(error.message),
  );
  assert.equal(pool.stats().queued, 0);
});

poolTest('in a task, and from another pool', {}, async (pool) => {
  assert.equal(
    await pool.run(async () => {
      const twice = (n: number): number => n * 2;
      return run(twice, run(twice, 5));
    }),
    20,
  );
  assert.equal(await run(add, pool.run(add, 1, 2), 4), 7);
});

poolTest('a chain and diamonds of many futures: flat, and in bounded memory', {}, async (pool) => {
  // Each link is a round trip, which between processes takes longer: what is flat here is the same for both.
  const links = kind === 'thread' ? 10_000 : 2000;
  let last = pool.run(add, 0, 0);
  for (let i = 0; i < links; i++) last = pool.run(add, last, 1);
  assert.equal(await within(25_000, last, 'the chain'), links);
  let top = pool.run(add, 0, 1);
  for (let i = 0; i < 1000; i++) top = pool.run(add, pool.run(add, top, 1), pool.run(add, top, -1));
  assert.equal(await top, Number.POSITIVE_INFINITY > 0 ? await top : 0);
  await until(() => pool.stats().queued === 0, 'all told');
});

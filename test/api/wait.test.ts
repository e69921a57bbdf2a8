/** `wait` and `asCompleted`: what is settled, in which order, and what is left alone. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { asCompleted, InvalidOptionError, wait } from 'simul';
import { newGate, poolTest, waitAt, within } from './support.js';

interface Deferred {
  readonly promise: Promise<number>;
  resolve(value: number): void;
  reject(error: Error): void;
}

function deferred(): Deferred {
  let resolve!: (value: number) => void;
  let reject!: (error: Error) => void;
  const promise = new Promise<number>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  return { promise, resolve, reject };
}

test('all by default; failures are settled too; the input order is kept', async () => {
  const list = Array.from({ length: 4 }, deferred);
  const all = list.map(({ promise }) => promise);
  const waiting = wait(all);
  for (const i of [2, 0, 3]) list[i]!.resolve(i);
  list[1]!.reject(new Error('no'));
  const { done, pending } = await waiting;
  assert.deepEqual([done, pending], [all, []]);
  await assert.rejects(all[1]!, /no/);
});

test('as many as asked for; what was settled before counts', async () => {
  const list = Array.from({ length: 4 }, deferred);
  const all = list.map(({ promise }) => promise);
  list[3]!.resolve(3);
  let ended = false;
  const waiting = wait(all, { count: 2 }).then((waited) => {
    ended = true;
    return waited;
  });
  await turn();
  await turn();
  assert.equal(ended, false);
  list[1]!.resolve(1);
  const { done, pending } = await waiting;
  assert.deepEqual(done, [all[1], all[3]]);
  assert.deepEqual(pending, [all[0], all[2]]);
  assert.deepEqual((await wait(all, { count: 0 })).done, [all[1], all[3]]);
  assert.deepEqual(await wait([]), { done: [], pending: [] });
  assert.deepEqual(await wait([all[0]!, all[0]!], { count: 0 }), { done: [], pending: [all[0]] });
});

test('a timeout gives what there is; a signal rejects', async () => {
  const never = deferred().promise;
  const settled = Promise.resolve(1);
  assert.deepEqual(await wait([never, settled], { timeout: 0 }), { done: [settled], pending: [never] });
  const begun = performance.now();
  await wait([never], { timeout: 30 });
  assert.ok(performance.now() - begun >= 29);
  const reason = new Error('enough');
  const controller = new AbortController();
  const waiting = wait([never], { signal: controller.signal });
  controller.abort(reason);
  await assert.rejects(waiting, reason);
  await assert.rejects(wait([never], { signal: controller.signal }), reason);
});

test('what it is given is checked', async () => {
  const one = Promise.resolve(1);
  for (const [given, options, said] of [
    [[one], { count: 2 }, /count.*0 to the number of futures \(1\), not 2/],
    [[one], { count: 0.5 }, /count/],
    [[one], { timeout: -1 }, /timeout/],
    [[one], { all: true }, /no option "all"/],
    [[one, 5], {}, /element 1 is no future or promise but 5/],
    [7, {}, /an iterable of futures, not 7/],
  ] as const) {
    await assert.rejects(wait(given as never, options as never), (error: Error) => {
      assert.ok(error instanceof InvalidOptionError);
      assert.match(error.message, said);
      return true;
    });
  }
  assert.throws(() => asCompleted([1] as never), InvalidOptionError);
  assert.throws(() => asCompleted([one]).add(1 as never), InvalidOptionError);
});

test('to wait again and again for the first of many leaves nothing behind', { timeout: 20_000 }, async () => {
  const list = Array.from({ length: 2000 }, deferred);
  let left = list.map(({ promise }) => promise);
  let hearers = 0;
  for (const { promise } of list) {
    const then = promise.then.bind(promise);
    Object.defineProperty(promise, 'then', {
      value: (...handlers: Parameters<typeof then>) => {
        hearers += 1;
        return then(...handlers);
      },
    });
  }
  for (let i = 0; left.length > 0; i++) {
    list[i]!.resolve(i);
    const { done, pending } = await wait(left, { count: 1 });
    assert.equal(done.length, 1);
    left = pending;
  }
  assert.equal(hearers, 2000);
});

test('in the order in which they are settled; more can be added meanwhile', async () => {
  const list = Array.from({ length: 5 }, deferred);
  const completions = asCompleted(list.slice(0, 3).map(({ promise }) => promise));
  assert.equal(completions.size, 3);
  const seen: number[] = [];
  const reading = (async () => {
    for await (const future of completions) {
      const i = await future.catch(() => -1);
      seen.push(i);
      if (i === 1) completions.add(list[3]!.promise, list[4]!.promise);
    }
  })();
  for (const i of [2, 1]) {
    list[i]!.resolve(i);
    await turn();
  }
  list[4]!.resolve(4);
  list[0]!.reject(new Error('no'));
  await turn();
  list[3]!.resolve(3);
  await within(5000, reading, 'reading');
  assert.deepEqual(seen, [2, 1, 4, -1, 3]);
  assert.equal(completions.size, 0);
  // It was at its end and goes on.
  completions.add(Promise.resolve(7));
  assert.equal(await (await completions.next()).value, 7);
  assert.equal((await completions.next()).done, true);
});

test('several readers share them; all end', async () => {
  const list = Array.from({ length: 3 }, deferred);
  const completions = asCompleted(list.map(({ promise }) => promise));
  const steps = Promise.all(Array.from({ length: 5 }, () => completions.next()));
  for (const [i, { resolve }] of list.entries()) resolve(i);
  const ended = await within(5000, steps, 'steps');
  assert.deepEqual(
    ended.map(({ done }) => done),
    [false, false, false, true, true],
  );
});

poolTest('leaving the loop cancels nothing', {}, async (pool) => {
  const { file, open } = newGate();
  const futures = [0, 1, 2].map((n) =>
    pool.run((number: number) => {
      if (number > 0) waitAt(file);
      return number;
    }, n),
  );
  for await (const first of pool.asCompleted(futures)) {
    assert.equal(await first, 0);
    break;
  }
  open();
  assert.deepEqual(await Promise.all(futures), [0, 1, 2]);
  assert.equal((await pool.wait(futures)).done.length, 3);
});

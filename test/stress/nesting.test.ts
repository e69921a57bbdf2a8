/** Calls in tasks, several levels deep, on few workers, with deaths among them: no level ever waits for another for ever. */
import assert from 'node:assert/strict';
import { map, run, stream } from 'simul';
import { counters, type Dice, isCode, quiet, rounds, settle, withPool } from './support.js';

const few = (dice: Dice) => ({ workers: 1 + dice.below(2), tasksPerWorker: 1 + dice.below(2) });

const tree = async (depth: number, width: number): Promise<number> => {
  if (depth === 0) return 1;
  const parts = await map(
    Array.from({ length: width }, () => depth - 1),
    (below) => tree(below, width),
  );
  return parts.reduce((a, b) => a + b, 0);
};

rounds('maps in maps', 0.35, async (dice) => {
  const recycled = dice.once(2) ? { maxTasksPerWorker: 1 + dice.below(3) } : {};
  await withPool({ ...few(dice), ...recycled }, async (pool) => {
    const width = 2 + dice.below(3);
    const depth = 'maxTasksPerWorker' in recycled ? 2 : 2 + dice.below(3);
    const [result] = await settle([pool.run(tree, depth, width)], 'the tree');
    assert.deepEqual(result, { status: 'fulfilled', value: width ** depth });
  });
});

rounds('a thousand tasks that wait for one more each', 0.2, async (dice) => {
  await withPool(few(dice), async (pool) => {
    const ask = async (n: number): Promise<number> => (await run((m: number) => m + 1, n)) + 1;
    const results = await settle(
      Array.from({ length: 1000 }, (_, n) => pool.run(ask, n)),
      'all tasks',
    );
    for (const [n, result] of results.entries())
      assert.deepEqual(result, { status: 'fulfilled', value: n + 2 });
  });
});

rounds('nested calls whose callers and workers die', 0.3, async (dice) => {
  await withPool(few(dice), async (pool) => {
    const ran = counters(400);
    const inner = (n: number): number => {
      Atomics.add(ran, n, 1);
      if (n % 41 === 7) process.exit(1);
      return n;
    };
    const outer = async (first: number): Promise<number> => {
      const calls = Array.from({ length: 10 }, (_, i) => run(inner, first * 10 + i));
      if (first % 13 === 5) process.exit(2);
      const results = await Promise.allSettled(calls);
      return results.filter(({ status }) => status === 'fulfilled').length;
    };
    const results = await settle(
      Array.from({ length: 40 }, (_, n) => pool.run(outer, n)),
      'all tasks',
    );
    for (const result of results) {
      if (result.status === 'rejected') assert.ok(isCode(result.reason, 'SIMUL_WORKER_CRASHED'));
    }
    await quiet(pool);
    assert.ok(ran.every((n) => n <= 1));
  });
});

rounds('streams in tasks, left half-way, and calls nobody waits for', 0.15, async (dice) => {
  await withPool(few(dice), async (pool) => {
    const read = async (n: number): Promise<number> => {
      void run(() => new Promise((resolve) => setTimeout(resolve, 3)));
      let sum = 0;
      const endless = (function* () {
        for (let i = 0; ; i++) yield i;
      })();
      for await (const value of stream(endless, (i) => i, { window: 5 })) {
        sum += value;
        if (value === n) break;
      }
      return sum;
    };
    const results = await settle(
      Array.from({ length: 30 }, (_, n) => pool.run(read, n)),
      'all tasks',
    );
    for (const [n, result] of results.entries()) {
      assert.deepEqual(result, { status: 'fulfilled', value: (n * (n + 1)) / 2 });
    }
    await quiet(pool);
  });
});

rounds('an endless recursion is refused', 0, async () => {
  await withPool({ workers: 2 }, async (pool) => {
    const again = (): Promise<unknown> => Promise.resolve(run(again));
    const [result] = await settle([pool.run(again)], 'the recursion');
    assert.equal(result!.status, 'rejected');
    assert.match(String((result as PromiseRejectedResult).reason), /nest more than 1000 deep/);
  });
});

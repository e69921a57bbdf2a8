/** Tasks that fail in every way, in pools of every kind, cancelled at random: each settles once and runs at most once. */
import assert from 'node:assert/strict';
import { type PoolOptions, type TaskOptions, task } from 'simul';
import { counters, type Dice, isCode, quiet, rounds, settle, withPool } from './support.js';

type Plan = 'value' | 'big' | 'throw' | 'reject' | 'exit' | 'stray' | 'loop' | 'sleep' | 'weak';

const poolOf = (dice: Dice): PoolOptions => ({
  workers: 1 + dice.below(3),
  tasksPerWorker: 1 + dice.below(2),
  ...(dice.once(3) ? { maxTasksPerWorker: 1 + dice.below(3) } : {}),
  ...(dice.once(4) ? { idleTimeout: dice.below(20) } : {}),
});

const plans: readonly Plan[] = [
  'value',
  'value',
  'value',
  'value',
  'big',
  'throw',
  'reject',
  'sleep',
  'weak',
];
const deadly: readonly Plan[] = ['exit', 'stray', 'loop'];

const act = async (plan: Plan, n: number, ran: Int32Array): Promise<unknown> => {
  Atomics.add(ran, n, 1);
  switch (plan) {
    case 'value':
      return n;
    case 'big':
      return new Uint8Array(300_000).fill(n);
    case 'throw':
      throw new RangeError(`planned ${n}`);
    case 'reject':
      return Promise.reject(new RangeError(`planned ${n}`));
    case 'exit':
      return process.exit(1);
    case 'stray':
      void Promise.reject(new Error('stray'));
      return n;
    case 'loop':
      for (;;);
    case 'sleep':
      await new Promise((resolve) => setTimeout(resolve, n % 7));
      return n;
    case 'weak':
      return new WeakMap();
    default:
      return plan satisfies never;
  }
};

rounds('single calls', 0.5, async (dice) => {
  await withPool(poolOf(dice), async (pool) => {
    const count = 60;
    const ran = counters(count);
    const chosen: Plan[] = [];
    const retries: number[] = [];
    const cancelled = new Set<number>();
    const futures = Array.from({ length: count }, (_, n) => {
      const plan = dice.once(8) ? dice.pick(deadly) : dice.pick(plans);
      const times = dice.once(4) ? 1 + dice.below(3) : 0;
      chosen.push(plan);
      retries.push(times);
      const options: TaskOptions = {
        grace: dice.below(10),
        priority: dice.below(3),
        retries: { times, delay: dice.below(4) },
        ...(plan === 'loop' ? { timeout: 5 + dice.below(30) } : {}),
      };
      const view = dice.once(5) ? pool.worker(dice.below(pool.size)) : pool;
      return view.with(options).run(act, plan, n, ran);
    });
    const timer = setInterval(() => {
      const n = dice.below(count);
      if (futures[n]!.cancel()) cancelled.add(n);
    }, 3);
    const settled = await settle(futures, 'all calls');
    clearInterval(timer);
    await quiet(pool);
    let good = 0;
    for (const [n, result] of settled.entries()) {
      const what = `${chosen[n]} ${n}: ${String((result as PromiseRejectedResult).reason)}`;
      assert.ok(ran[n]! <= 1 + retries[n]!, `${what} ran ${ran[n]} times`);
      if (result.status === 'fulfilled') {
        good += 1;
        assert.ok(ran[n]! >= 1);
        assert.ok(['value', 'big', 'sleep', 'stray'].includes(chosen[n]!), what);
        continue;
      }
      const { reason } = result;
      if (cancelled.has(n)) assert.ok(isCode(reason, 'SIMUL_TASK_CANCELLED'), what);
      else if (chosen[n] === 'loop') {
        assert.ok(isCode(reason, 'SIMUL_TASK_TIMEOUT') || isCode(reason, 'SIMUL_WORKER_CRASHED'), what);
      } else if (chosen[n] === 'throw' || chosen[n] === 'reject') {
        assert.ok(isCode(reason, 'SIMUL_WORKER_CRASHED') || /planned/.test(String(reason)), what);
      } else if (chosen[n] === 'weak') {
        assert.ok(isCode(reason, 'SIMUL_SERIALIZATION') || isCode(reason, 'SIMUL_WORKER_CRASHED'), what);
      } else assert.ok(isCode(reason, 'SIMUL_WORKER_CRASHED'), what);
    }
    const { done, failed, retried } = pool.stats();
    assert.equal(done, good);
    assert.equal(done + failed, count + retried, 'every attempt is counted once');
  });
});

rounds('maps with dying workers', 0.3, async (dice) => {
  const options = poolOf(dice);
  await withPool(options, async (pool) => {
    // A worker takes far longer to start than an item to run.
    const count = options.maxTasksPerWorker === undefined ? 200 + dice.below(800) : 50;
    const ran = counters(count);
    const ends = counters(count);
    for (let n = 0; n < count; n++) ends[n] = dice.once(60) ? 1 + dice.below(3) : 0;
    const times = dice.below(3);
    const how = {
      onError: 'settle',
      retries: times,
      ...(dice.once(2) ? { chunk: 1 + dice.below(50) } : {}),
      ...(dice.once(3) ? { window: 1 + dice.below(100) } : {}),
    } as const;
    const work = (n: number): number => {
      Atomics.add(ran, n, 1);
      if (ends[n] === 1) process.exit(2);
      if (ends[n] === 2) throw new RangeError('planned');
      if (ends[n] === 3 && task().attempt === 1) throw new RangeError('once');
      return n;
    };
    const items = Array.from({ length: count }, (_, n) => n);
    const [map] = await settle([pool.map(items, work, how)], 'the map');
    assert.equal(map!.status, 'fulfilled');
    const { value } = map as PromiseFulfilledResult<PromiseSettledResult<number>[]>;
    assert.equal(value.length, count);
    for (const [n, result] of value.entries()) {
      const plan = ends[n]!;
      assert.ok(ran[n]! <= 1 + times, `item ${n} ran ${ran[n]} times`);
      if (result.status === 'fulfilled') {
        assert.equal(result.value, n);
        assert.ok(plan === 0 || (plan === 3 && times > 0));
      } else if (plan === 0) {
        // Another task of its worker ended it.
        assert.ok(isCode(result.reason, 'SIMUL_WORKER_CRASHED'), String(result.reason));
      }
    }
    const { done, failed, retried } = pool.stats();
    assert.equal(done + failed, count + retried);
  });
});

rounds('aborted half-way', 0.2, async (dice) => {
  await withPool(poolOf(dice), async (pool) => {
    const ran = counters(5000);
    const controller = new AbortController();
    const { signal } = controller;
    const work = (n: number): number => {
      Atomics.add(ran, n, 1);
      if (n % 97 === 13) process.exit(3);
      return n;
    };
    const endless = function* (): Generator<number> {
      for (let n = 0; n < 5000; n++) yield n;
    };
    const calls: Promise<unknown>[] = [
      pool.map(endless(), work, { signal, onError: 'settle', grace: 5 }),
      pool.forEach(endless(), () => new Promise((resolve) => setTimeout(resolve, 1)), { signal, grace: 5 }),
      pool.reduce(
        endless(),
        (a, n) => a + n,
        (a, b) => a + b,
        0,
        { signal, chunk: 10 },
      ),
    ];
    const reason = { planned: dice.below(100) };
    setTimeout(() => controller.abort(reason), dice.below(60));
    for (const result of await settle(calls, 'all operations')) {
      if (result.status === 'rejected') assert.equal(result.reason, reason);
    }
    await quiet(pool);
    assert.ok(ran.every((n) => n <= 1));
    assert.equal(await pool.run(() => 1), 1);
  });
});

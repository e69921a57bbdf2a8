/** Pools closed, terminated, drained, recycled and filled under load; streams left; memory and handles afterwards. */
import assert from 'node:assert/strict';
import { Pool, task } from 'simul';
import { within } from '../api/support.js';
import { counters, isCode, quiet, rounds, settle, withPool } from './support.js';

rounds('closed and terminated under load', 0.35, async (dice) => {
  const pool = new Pool({ workers: 1 + dice.below(3), tasksPerWorker: 1 + dice.below(2) });
  const ran = counters(200);
  const work = async (n: number): Promise<number> => {
    Atomics.add(ran, n, 1);
    if (n % 23 === 3) process.exit(1);
    if (n % 5 === 0) await new Promise((resolve) => setTimeout(resolve, n % 9));
    return n;
  };
  const calls: Promise<unknown>[] = Array.from({ length: 100 }, (_, n) => Promise.resolve(pool.run(work, n)));
  const items = Array.from({ length: 100 }, (_, n) => 100 + n);
  const mapped = pool.map(items, work, { onError: 'settle' });
  const reader = (async () => {
    for await (const _ of pool.stream(items, (n) => n)) if (dice.once(40)) break;
  })();
  const all = settle([...calls, mapped, reader], 'all calls');
  await new Promise((resolve) => setTimeout(resolve, dice.below(80)));
  const kind = dice.below(3);
  const ends = [kind === 0 ? pool.terminate() : pool.close()];
  if (kind === 1) ends.push(pool.close());
  if (kind === 2) {
    await new Promise((resolve) => setTimeout(resolve, dice.below(20)));
    ends.push(pool.terminate('enough'));
  }
  await within(10_000, Promise.all(ends), 'the end');
  const refused = pool.run(() => 1);
  assert.ok(isCode(await Promise.resolve(refused).catch((error) => error), 'SIMUL_POOL_CLOSED'));
  for (const result of await all) {
    if (result.status === 'fulfilled') continue;
    const { reason } = result;
    const crashed = isCode(reason, 'SIMUL_WORKER_CRASHED');
    assert.ok(crashed || (kind !== 1 && isCode(reason, 'SIMUL_POOL_CLOSED')), String(reason));
  }
  assert.ok(ran.every((n) => n <= 1));
  const { queued, running, workers } = pool.stats();
  assert.deepEqual([queued, running, workers], [0, 0, 0]);
});

rounds('each and pins while workers die', 0.2, async (dice) => {
  await withPool({ workers: 3 }, async (pool) => {
    const kills = Array.from({ length: 20 }, () => {
      const worker = dice.below(3);
      return pool.worker(worker).run(() => process.exit(1));
    });
    const pins = Array.from({ length: 60 }, (_, n) => pool.worker(n % 3).run(() => task().worker));
    const each = pool.each(() => task().worker);
    for (const result of await settle(kills, 'the kills')) {
      assert.ok(result.status === 'rejected' && isCode(result.reason, 'SIMUL_WORKER_CRASHED'));
    }
    for (const [n, result] of (await settle(pins, 'the pins')).entries()) {
      assert.deepEqual(result, { status: 'fulfilled', value: n % 3 });
    }
    assert.deepEqual(await within(10_000, each, 'each'), [0, 1, 2]);
  });
});

rounds('full queues', 0.1, async (dice) => {
  const queueLimit = dice.below(20);
  const workers = 1 + dice.below(2);
  await withPool({ workers, queueLimit }, async (pool) => {
    const results = await settle(
      Array.from({ length: 60 }, (_, n) => pool.run((m: number) => m, n)),
      'all calls',
    );
    const good = results.filter(({ status }) => status === 'fulfilled').length;
    assert.equal(good, Math.min(60, workers + queueLimit));
    for (const result of results) {
      if (result.status === 'rejected') assert.ok(isCode(result.reason, 'SIMUL_QUEUE_FULL'));
    }
    const items = Array.from({ length: 200 }, (_, n) => n);
    assert.deepEqual(await pool.map(items, (n) => n), items);
  });
});

rounds('endless inputs, slow readers, generators half-read', 0.15, async (dice) => {
  await withPool({ workers: 2 }, async (pool) => {
    let ended = 0;
    function* endless(): Generator<number> {
      try {
        for (let n = 0; ; n++) yield n;
      } finally {
        ended += 1;
      }
    }
    for (const ordered of [true, false]) {
      let seen = 0;
      for await (const _ of pool.stream(endless(), (n) => n, { ordered, window: 1 + dice.below(50) })) {
        seen += 1;
        if (dice.once(20)) await new Promise((resolve) => setTimeout(resolve, 2));
        if (dice.once(100)) break;
      }
      assert.ok(seen > 0);
    }
    assert.equal(ended, 2);
    const values = await pool.run(function* () {
      for (let n = 0; ; n++) yield new Uint8Array(1000).fill(n);
    });
    for (let n = dice.below(60); n > 0; n--) await values.next();
    await values.return?.();
    await quiet(pool);
  });
});

rounds('memory does not grow', 0.2, async () => {
  const { gc } = globalThis as { gc?: () => void };
  await withPool({ workers: 2 }, async (pool) => {
    const load = async (): Promise<void> => {
      for (let i = 0; i < 60; i++) {
        const big = { text: 'x'.repeat(20_000), i };
        await pool.map(
          Array.from({ length: 50 }, (_, n) => n),
          (n) => big.text.length + n,
        );
        await Promise.all(Array.from({ length: 50 }, (_, n) => pool.run((m: number) => m + big.i, n)));
        const cancelled = pool.run(() => new Promise(() => {}));
        cancelled.cancel();
        await Promise.resolve(cancelled).catch(() => {});
      }
      for (let i = 0; i < 3; i++) {
        gc?.();
        await new Promise((resolve) => setImmediate(resolve));
      }
    };
    const used = async (): Promise<number> => {
      const inWorkers = await pool.each(() => process.memoryUsage().heapUsed);
      return process.memoryUsage().heapUsed + inWorkers.reduce((a, b) => a + b, 0);
    };
    await load();
    const before = await used();
    for (let i = 0; i < 3; i++) await load();
    const grown = (await used()) - before;
    assert.ok(grown < 60 * 2 ** 20, `${Math.round(grown / 2 ** 20)} MiB more`);
  });
});

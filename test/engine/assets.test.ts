/** What the pool keeps of the code that it has sent is bounded, and what has gone is sent again. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { CallOperations, decoder, type PoolCore } from '#simul/api/pool-core.js';
import { AssetStore } from '#simul/codec/index.js';
import { LocalEngine } from '#simul/engine/index.js';
import { Pool } from '#simul/index.js';
import { startThread } from '#simul/transport/index.js';

const COUNT = 8;

function smallPool(workers: number): { pool: Pool; assets: AssetStore } {
  const engine = new LocalEngine({
    workers,
    tasksPerWorker: 1,
    maxTasksPerWorker: Number.POSITIVE_INFINITY,
    spares: 0,
    idleTimeout: undefined,
    queueLimit: Number.POSITIVE_INFINITY,
    name: 'small',
    init: undefined,
    maxHeapMiB: undefined,
    maxMemory: undefined,
    env: undefined,
    execArgv: undefined,
    assetBounds: { count: COUNT, bytes: 1 << 20 },
    apart: false,
    startWorker: startThread,
    initError: (_, then) => then(new Error('init')),
  });
  const { assets } = engine;
  const core: PoolCore = {
    engine,
    name: 'small',
    hasInit: false,
    ownFlags: false,
    assets,
    decode: decoder(assets),
    retried: 0,
    calls: new CallOperations(engine),
    pending: undefined,
    sent: 0,
    waiting: new Set<never>(),
  };
  const Internal = Pool as unknown as new (options: undefined, given: typeof core) => Pool;
  return { pool: new Internal(undefined, core), assets };
}

type Make = (n: number) => number;

/** A function with a code of its own. */
const adder = (n: number): Make => new Function('x', `return x + ${n};`) as Make;

test('code that was sent is dropped beyond the bound, and works whichever way it comes again', async () => {
  const { pool, assets } = smallPool(2);
  try {
    const made = Array.from({ length: 60 }, (_, n) => adder(n));
    let most = 0;
    // A worker that is still starting answers when it has started.
    await Promise.all([0, 1].map((worker) => pool.worker(worker).run(() => worker)));
    for (const [n, fn] of made.entries()) {
      // There, back by its hash, and there again.
      const back = await pool.run((given: Make) => given, fn);
      assert.equal(back(1), n + 1);
      assert.equal(await pool.run(fn, 2), n + 2);
      most = Math.max(most, assets.size);
    }
    // Both workers answer in time: a few more than the bound may be on their way.
    assert.ok(most <= COUNT * 2, `${most} assets`);
    assert.ok(assets.size < made.length / 2);
    for (const n of [0, 1, 30, 59]) assert.equal(await pool.run(made[n]!, 10), n + 10);
  } finally {
    await pool.close();
  }
});

test('a worker that kept a function sends its code again once the pool has dropped it', async () => {
  const { pool, assets } = smallPool(1);
  try {
    const first = adder(1000);
    await pool.run((fn: Make) => {
      (globalThis as { kept?: Make }).kept = fn;
    }, first);
    const sent = Array.from({ length: 30 }, (_, n) => adder(n));
    for (const fn of sent) await pool.run(fn, 0);
    assert.ok(assets.size <= COUNT * 2);
    for (let i = 0; i < 3; i++) {
      const kept = await pool.run(() => (globalThis as unknown as { kept: Make }).kept);
      assert.equal(kept(1), 1001);
    }
    // Nested calls name code by its hash likewise.
    const nested = await pool.run(async () => {
      const { run } = await import('simul');
      return run((globalThis as unknown as { kept: Make }).kept, 5);
    });
    assert.equal(nested, 1005);
  } finally {
    await pool.close();
  }
});

test('a store lets go of what was not used, and keeps what comes again while it is leaving', () => {
  const store = new AssetStore({ count: 4, bytes: 1 << 20 });
  const constant = (hash: string, size = 8) =>
    ({ kind: 'constant', hash, buffer: new SharedArrayBuffer(size) }) as const;
  const hashes = ['a', 'b', 'c', 'd', 'e', 'f'];
  for (const hash of hashes) store.add(constant(hash));
  store.get('a');
  const leaving = store.leave();
  assert.deepEqual(leaving, ['b', 'c', 'd', 'e']);
  assert.deepEqual(store.leave(), [], 'one farewell at a time');
  for (const hash of hashes) assert.ok(store.has(hash), 'nothing goes before all have answered');
  store.add(constant('c'));
  store.left();
  assert.deepEqual(
    hashes.filter((hash) => store.has(hash)),
    ['a', 'c', 'f'],
  );
  store.add(constant('large', 2 << 20));
  store.leave();
  store.left();
  assert.equal(store.has('large'), false, 'bytes count too');
  store.addSent([constant('sent')]);
  assert.equal(store.has('sent'), false, 'constants are not kept by who sends them');
});

/** The end of a ref, where no word of memory is the same for all: what a process has not been told it cannot know. */
import assert from 'node:assert/strict';
import { existsSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { ObjectLostError, Pool, PoolClosedError, put, type Ref, run } from 'simul';
import { until, within } from '../api/support.js';
import { sharesMemory } from './support.js';

/** Files by which a task and this thread tell each other how far they are, without a message of the pool. */
interface Signs {
  readonly up: string;
  readonly go: string;
}

function refTest(name: string, body: (pool: Pool, other: Pool, signs: () => Signs) => Promise<void>): void {
  test(name, { timeout: 30_000 }, async () => {
    const folder = await mkdtemp(join(tmpdir(), 'simul-'));
    const pool = new Pool({ workers: 2, kind: 'process' });
    const other = new Pool({ workers: 1, kind: 'process' });
    let count = 0;
    const signs = (): Signs => {
      count += 1;
      return { up: join(folder, `up${count}`), go: join(folder, `go${count}`) };
    };
    try {
      await body(pool, other, signs);
      await within(5000, Promise.all([pool.close(), other.close()]), 'close');
    } finally {
      await Promise.all([pool.terminate(), other.terminate()]);
      await rm(folder, { recursive: true });
    }
  });
}

/** A task that holds on to its thread until it is told to go on, and then asks for the value. */
const ask = (_value: unknown, { ref }: { ref: Ref<unknown> }, { up, go }: Signs): Promise<unknown> => {
  const fs = process.getBuiltinModule('node:fs');
  fs.writeFileSync(up, '');
  while (!fs.existsSync(go));
  return get(ref);
};

/** Where no memory is shared, the sign may be there before what was said before it. */
const get = sharesMemory
  ? <T>(ref: Ref<T>): Promise<T> => ref.get()
  : async <T>(ref: Ref<T>): Promise<T> => {
      for (const end = performance.now() + 5000; performance.now() < end; ) await ref.get();
      return ref.get();
    };

const sign = (file: string): void => writeFileSync(file, '');
const seen = (file: string): Promise<void> => until(() => existsSync(file), 'the task runs');

for (const needed of [false, true]) {
  refTest(
    `freed here: a task that has run ever since knows${needed ? ', where its job needs the value' : ''}`,
    async (pool, _, signs) => {
      for (let round = 0; round < 10; round++) {
        const ref = await pool.put([round]);
        const at = signs();
        const call = pool.run(ask, needed ? ref : undefined, { ref }, at);
        await seen(at.up);
        ref.free();
        sign(at.go);
        await assert.rejects(within(10_000, call, 'the task'), ObjectLostError);
      }
    },
  );
}

refTest(
  'freed here, with the calls that were made before: they have their value, the ref in them has ended',
  async (pool, _other, signs) => {
    const refs = await Promise.all(Array.from({ length: 40 }, (_, n) => pool.put([n])));
    const { up, go } = signs();
    const both = async (value: number[], { ref }: { ref: Ref<number[]> }, at: Signs): Promise<unknown[]> => {
      const fs = process.getBuiltinModule('node:fs');
      fs.writeFileSync(at.up, '');
      while (!fs.existsSync(at.go));
      return [value[0], await get(ref).catch((error: Error) => error instanceof ObjectLostError)];
    };
    const calls = refs.map((ref) => pool.run(both, ref, { ref }, { up, go }));
    await seen(up);
    // Two run, some are posted, and the others go with a value that has ended.
    for (const ref of refs) ref.free();
    sign(go);
    assert.deepEqual(
      await Promise.all(calls),
      refs.map((_, n) => [n, true]),
    );
  },
);

refTest(
  'freed by a task: its word is for all processes, also those of another pool',
  async (pool, other, signs) => {
    const ref = await pool.put({ a: 1 });
    const [first, second] = [signs(), signs()];
    const calls = [pool.worker(1).run(ask, ref, { ref }, first), other.run(ask, undefined, { ref }, second)];
    await seen(first.up);
    await seen(second.up);
    await pool.worker(0).run(({ ref }) => ref.free(), { ref });
    // The task is over, and this thread has heard of the end before that.
    await assert.rejects(ref.get(), ObjectLostError);
    sign(first.go);
    sign(second.go);
    await Promise.all(calls.map((call) => assert.rejects(within(10_000, call, 'the task'), ObjectLostError)));
    await assert.rejects(
      pool.run((value) => value.a, ref),
      ObjectLostError,
    );
  },
);

refTest('freed where nobody else has a ref to it any more', async (pool, other, signs) => {
  // Made in one process, sent on to another one by this thread, which keeps nothing of it.
  const at = signs();
  const call = other.run(
    ask,
    undefined,
    await pool.worker(0).run(async () => {
      const ref = await put([1, 2]);
      (globalThis as { mine?: Ref<number[]> }).mine = ref;
      return { ref };
    }),
    at,
  );
  await seen(at.up);
  await pool.worker(0).run(() => (globalThis as { mine?: Ref<number[]> }).mine!.free());
  sign(at.go);
  await assert.rejects(within(10_000, call, 'the task'), ObjectLostError);
});

refTest('with its pool: a task of another pool is told', async (pool, other, signs) => {
  const ref = await pool.put([1]);
  const at = signs();
  const call = other.run(ask, undefined, { ref }, at);
  await seen(at.up);
  await pool.close();
  sign(at.go);
  await assert.rejects(within(10_000, call, 'the task'), PoolClosedError);
});

refTest('a call that a task makes with a ref that has ended says so', async (pool, _, signs) => {
  const ref = await pool.put([1]);
  const at = signs();
  const call = pool.run(
    async ({ ref }, { up, go }) => {
      const fs = process.getBuiltinModule('node:fs');
      fs.writeFileSync(up, '');
      while (!fs.existsSync(go));
      if (!sharesMemory) await get(ref).catch(() => {});
      return run((value: number[]) => value.length, ref);
    },
    { ref },
    at,
  );
  await seen(at.up);
  ref.free();
  sign(at.go);
  await assert.rejects(within(10_000, call, 'the task'), ObjectLostError);
});

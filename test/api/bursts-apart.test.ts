/** Calls made in one go share nothing but the way: places, priorities, times and what they leave behind are each one's own. */
import assert from 'node:assert/strict';
import { task } from 'simul';
import { poolTest, until, warm, within } from './support.js';

const nap = (ms: number): Promise<number> => new Promise((resolve) => setTimeout(() => resolve(ms), ms));

for (const pinned of [false, true]) {
  poolTest(
    `calls share a worker that runs several at once${pinned ? ', pinned' : ''}`,
    { workers: 1, tasksPerWorker: 4 },
    async (pool) => {
      const view = pinned ? pool.worker(0) : pool;
      for (let round = 0; round < 3; round++) {
        await Promise.all(Array.from({ length: 32 }, () => view.run(nap, 0)));
      }
      // Each waits for what the one after it does.
      const meet = async (words: number, at: number): Promise<number> => {
        const holder = globalThis as { met?: Record<number, (() => void)[]> };
        holder.met ??= {};
        holder.met[words] ??= [];
        const waiting = holder.met[words];
        if (at === 3) for (const go of waiting) go();
        else await new Promise<void>((resolve) => waiting.push(resolve));
        return at;
      };
      const together = [0, 1, 2, 3].map((at) => view.run(meet, 1, at));
      assert.deepEqual(await within(5000, Promise.all(together), 'the meeting'), [0, 1, 2, 3]);
    },
  );
}

poolTest('what is urgent does not wait for all that was called before', { workers: 1 }, async (pool) => {
  const hold = (words: Int32Array | number, at: number): number => {
    if (typeof words !== 'number') Atomics.wait(words, 0, 0, 20_000);
    return at;
  };
  for (let round = 0; round < 3; round++) {
    await Promise.all(Array.from({ length: 32 }, () => pool.run(hold, 0, 0)));
  }
  const order: number[] = [];
  const gate = new Int32Array(new SharedArrayBuffer(4));
  const note = (at: number): void => {
    order.push(at);
  };
  const blocked = pool.run(hold, gate, -1);
  const calls = Array.from({ length: 20 }, (_, i) => pool.run(hold, 0, i).then(note));
  await until(() => blocked.state === 'running', 'the worker is held up');
  const urgent = pool.with({ priority: 1 }).run(hold, 0, 100).then(note);
  Atomics.store(gate, 0, 1);
  Atomics.notify(gate, 0);
  await Promise.all([...calls, urgent]);
  assert.equal(order.indexOf(100), 0, `${order}`);
});

poolTest('queueTimeout is for calls behind others of their go too', { workers: 1 }, async (pool) => {
  const hold = (ms: number): number => {
    const end = performance.now() + ms;
    while (performance.now() < end);
    return ms;
  };
  await warm(pool, hold.bind(null, 0));
  for (let round = 0; round < 3; round++) {
    await Promise.all(Array.from({ length: 32 }, () => pool.run(hold, 0)));
  }
  const view = pool.with({ queueTimeout: 100 });
  const settled = await Promise.allSettled([0, 800, 0, 0].map((ms) => view.run(hold, ms)));
  assert.deepEqual(
    settled.map(({ status }) => status),
    ['fulfilled', 'fulfilled', 'rejected', 'rejected'],
  );
});

poolTest('what is sent may call the pool while it is read', {}, async (pool) => {
  const echo = (x: unknown): unknown => x;
  const inner: PromiseLike<unknown>[] = [];
  const asking = {
    a: 1,
    get b() {
      inner.push(pool.run(echo, 'inner'));
      return pool.stats().workers >= 0 ? 2 : 0;
    },
    c: 3,
  };
  const calls = [1, 2, 3, asking, 5, asking, 7].map((x) => pool.run(echo, x));
  const read = { a: 1, b: 2, c: 3 };
  assert.deepEqual(await Promise.all(calls), [1, 2, 3, read, 5, read, 7]);
  assert.deepEqual(await Promise.all(inner), ['inner', 'inner']);
});

poolTest('what a call leaves behind belongs to it', { workers: 1 }, async (pool) => {
  const leave = (at: number): string => {
    const mine = task();
    setTimeout(() => {
      const holder = globalThis as { seen?: Record<string, string> };
      holder.seen ??= {};
      holder.seen[mine.id] = `${at} ${task().id} ${mine.signal.aborted}`;
    }, 20);
    return mine.id;
  };
  for (let round = 0; round < 3; round++)
    await Promise.all([0, 1, 2, 3, 4, 5].map((at) => pool.run(leave, at)));
  const ids = await Promise.all([0, 1, 2, 3, 4, 5].map((at) => pool.run(leave, at)));
  const look = (): Record<string, string> => (globalThis as { seen?: Record<string, string> }).seen ?? {};
  let seen: Record<string, string> = {};
  while (!ids.every((id) => id in seen)) seen = await within(5000, pool.run(look), 'the look');
  assert.deepEqual(
    ids.map((id) => seen[id]),
    ids.map((id, at) => `${at} ${id} false`),
  );
});

poolTest('the times of each are its own, whatever comes of it', { workers: 1 }, async (pool) => {
  const work = (ms: number, how: string): unknown => {
    const end = performance.now() + ms;
    while (performance.now() < end);
    if (how === 'error') throw new Error('asked for');
    return how === 'large' ? new Uint8Array(100_000) : how;
  };
  const view = pool.with({ retries: { times: 1, when: () => false } });
  for (let round = 0; round < 3; round++) {
    await Promise.all(Array.from({ length: 32 }, () => view.run(work, 0, 'small')));
  }
  for (const how of ['small', 'error', 'large']) {
    const calls = [0, 30, 30, 30].map((ms) => view.run(work, ms, how));
    await Promise.allSettled(calls);
    const { submitted } = calls[0]!.info;
    let before = 0;
    for (const [i, { info }] of calls.entries()) {
      const [started, finished] = [info.started! - submitted, info.finished! - submitted];
      assert.ok(started >= before - 1 && finished >= started, `${how} ${i}: ${started} to ${finished}`);
      assert.ok(i === 0 || finished - started >= 25, `${how} ${i}: ${started} to ${finished}`);
      before = finished;
    }
  }
});

/** Futures: what they say of their task, how they settle, what they leave behind. */
import assert from 'node:assert/strict';
import { AsyncLocalStorage } from 'node:async_hooks';
import { getEventListeners } from 'node:events';
import test from 'node:test';
import { Future, InvalidOptionError, map, TaskCancelledError, task } from 'simul';
import { poolTest, script, threadPoolTest, until, within } from './support.js';

poolTest('a future is a promise whose then gives a plain one', { workers: 1 }, async (pool) => {
  const future = pool.run(() => 1);
  assert.ok(future instanceof Future);
  assert.ok(future instanceof Promise);
  for (const derived of [future.then(), future.catch(() => {}), future.finally(() => {})]) {
    assert.ok(!(derived instanceof Future));
    assert.equal(Object.getPrototypeOf(derived), Promise.prototype);
    await derived;
  }
  assert.equal(await Promise.race([future, future]), 1);
  assert.equal(Object.prototype.toString.call(future), '[object Promise]');
});

threadPoolTest('state, info and explain follow the task', { workers: 1 }, async (pool) => {
  const gate = new Int32Array(new SharedArrayBuffer(4));
  const hold = (): void => {
    while (Atomics.load(gate, 0) === 0);
  };
  const clock = (): number => performance.timeOrigin + performance.now();
  const before = clock();
  const running = pool.run(hold);
  const waiting = pool.run(() => 2);
  const pinned = pool.worker(0).run(() => 3);
  await until(() => running.state === 'running', 'the task runs');
  assert.match(running.explain(), /running/);
  assert.equal(waiting.state, 'pending');
  assert.match(waiting.explain(), /worker/);
  assert.match(pinned.explain(), /worker 0/);
  assert.equal(waiting.info.started, undefined);
  assert.equal(waiting.info.finished, undefined);
  assert.equal(running.info.worker, 0);
  assert.ok(running.info.started! >= running.info.submitted);
  assert.equal(new Set([running.id, waiting.id, pinned.id]).size, 3);
  Atomics.store(gate, 0, 1);
  await running;
  await waiting;
  await pinned;
  const { submitted, started, finished, worker, attempts } = waiting.info;
  // The worker's clock may differ from this one's by a fraction of a millisecond.
  assert.ok(before <= submitted && submitted <= started! + 1 && started! <= finished! + 1);
  assert.ok(finished! <= clock());
  assert.ok(Math.abs(clock() - Date.now()) < 60_000, 'since the epoch');
  assert.deepEqual([worker, attempts, waiting.state], [0, 1, 'done']);
  assert.match(waiting.explain(), /done/);
});

poolTest('a task is told its id; the future has the same', {}, async (pool) => {
  const future = pool.run(() => task().id);
  assert.equal(await future, future.id);
});

threadPoolTest('cancel: with a reason, twice, too late, and while it runs', { workers: 1 }, async (pool) => {
  const gate = new Int32Array(new SharedArrayBuffer(4));
  const running = pool.with({ grace: 10 }).run(() => {
    for (;;) Atomics.store(gate, 0, 1);
  });
  const own = new RangeError('no more');
  const waiting = pool.run(() => Atomics.store(gate, 0, 2));
  assert.equal(waiting.cancel(own), true);
  await assert.rejects(waiting, (error) => error === own);
  await until(() => Atomics.load(gate, 0) === 1, 'the task runs');
  assert.equal(running.cancel(), true);
  assert.equal(running.cancel(), false);
  assert.equal(running.state, 'cancelled');
  await assert.rejects(running, TaskCancelledError);
  assert.equal(await within(3000, Promise.resolve(pool.run(() => 5)), 'the next task'), 5);
  assert.equal(Atomics.load(gate, 0), 1, 'what was cancelled waiting never ran');
  const done = pool.run(() => 1);
  await done;
  assert.equal(done.cancel(), false);
});

threadPoolTest('a cancelled retry does not run', { workers: 1 }, async (pool) => {
  const count = new Int32Array(new SharedArrayBuffer(4));
  const future = pool.with({ retries: { times: 3, delay: 60_000 } }).run(() => {
    Atomics.add(count, 0, 1);
    throw new Error('again');
  });
  await until(() => pool.stats().retried === 1, 'it waits for its next attempt');
  assert.match(future.explain(), /60000 ms/);
  assert.equal(future.state, 'pending');
  assert.equal(future.info.attempts, 2);
  future.cancel();
  await assert.rejects(future, TaskCancelledError);
  assert.equal(count[0], 1);
});

poolTest('one signal may serve many calls, and is let go of', {}, async (pool) => {
  const controller = new AbortController();
  const view = pool.with({ signal: controller.signal });
  await Promise.all(Array.from({ length: 50 }, (_, i) => view.run((n: number) => n, i)));
  await view.map([1, 2, 3], (n) => n);
  for await (const _ of view.stream([1, 2, 3], (n) => n)) break;
  for await (const _ of view.run(function* () {
    for (;;) yield 1;
  }))
    break;
  await view
    .run(() => {
      throw new Error('no');
    })
    .catch(() => {});
  assert.equal(getEventListeners(controller.signal, 'abort').length, 0);
});

poolTest('reasons of any kind reach the caller as they are', {}, async (pool) => {
  for (const reason of ['text', 0, null, { own: 1 }, new Error('mine')]) {
    const signal = AbortSignal.abort(reason);
    const same = (error: unknown): boolean => error === reason;
    await assert.rejects(Promise.resolve(pool.with({ signal }).run(() => 1)), same);
    await assert.rejects(
      pool.map([1], (n) => n, { signal }),
      same,
    );
    await assert.rejects(
      pool.reduce(
        [1],
        (a, b) => a + b,
        (a, b) => a + b,
        0,
        { signal },
      ),
      same,
    );
    const controller = new AbortController();
    const future = pool.with({ signal: controller.signal }).run(() => new Promise(() => {}));
    controller.abort(reason);
    await assert.rejects(Promise.resolve(future), same);
  }
  const late = pool.map([1, 2], () => new Promise(() => {}), { signal: AbortSignal.timeout(50), grace: 10 });
  await assert.rejects(late, { name: 'TimeoutError' });
});

poolTest('whatever a task throws comes back', { workers: 1 }, async (pool) => {
  const thrown = async (fn: () => unknown): Promise<unknown> => {
    try {
      await pool.run(fn);
    } catch (error) {
      return error;
    }
    return assert.fail('it has to fail');
  };
  assert.equal(
    await thrown(() => {
      throw undefined;
    }),
    undefined,
  );
  assert.equal(
    await thrown(() => {
      throw null;
    }),
    null,
  );
  assert.equal(await thrown(() => Promise.reject('text')), 'text');
  const strange = (await thrown(() => {
    const error = new Error('strange');
    (error as { stack: unknown }).stack = 5;
    throw error;
  })) as Error;
  assert.equal(strange.message, 'strange');
  assert.equal(typeof strange.stack, 'string');
  const frozen = (await thrown(() => {
    throw Object.freeze(new Error('frozen'));
  })) as Error;
  assert.equal(frozen.message, 'frozen');
});

poolTest('what is no function is refused, as a rejection', {}, async (pool) => {
  for (const wrong of [5, null, undefined, 'f', {}]) {
    await assert.rejects(Promise.resolve(pool.run(wrong as never)), InvalidOptionError);
    await assert.rejects(pool.map([1], wrong as never), InvalidOptionError);
    await assert.rejects(pool.forEach([1], wrong as never), InvalidOptionError);
    await assert.rejects(pool.each(wrong as never), InvalidOptionError);
    await assert.rejects(
      pool.reduce([1], wrong as never, (a) => a, 0),
      InvalidOptionError,
    );
    await assert.rejects(
      pool.reduce([1], (a) => a, wrong as never, 0),
      InvalidOptionError,
    );
    await assert.rejects(pool.stream([1], wrong as never).next(), InvalidOptionError);
  }
});

poolTest('the stack has the worker’s frames and the caller’s beneath', { workers: 1 }, async (pool) => {
  function deepInTheTask(): never {
    throw new Error('deep');
  }
  async function theCaller(): Promise<unknown> {
    return await pool.run(() => deepInTheTask());
  }
  async function theMapper(): Promise<unknown> {
    return await pool.map([1], () => deepInTheTask());
  }
  for (const [call, name] of [
    [theCaller, 'theCaller'],
    [theMapper, 'theMapper'],
  ] as const) {
    const error = await call().then(
      () => assert.fail('it has to fail'),
      (error: Error) => error,
    );
    const lines = (error.stack ?? '').split('\n');
    const at = (text: string): number => lines.findIndex((line) => line.includes(text));
    assert.ok(at('deepInTheTask') > 0, error.stack);
    assert.ok(at(name) > at('deepInTheTask'), error.stack);
    assert.ok(!lines.some((line) => line.includes('/dist/')), error.stack);
  }
});

poolTest('user functions run in the async context of their call', { workers: 1 }, async (pool) => {
  const storage = new AsyncLocalStorage<string>();
  // A first call in another context: its context is not to leak into later ones.
  await storage.run('first', () => pool.run(() => 1));
  const seen: Record<string, unknown> = {};
  const note = (where: string): true => {
    const store = storage.getStore();
    seen[where] = where in seen && seen[where] !== store ? 'mixed' : store;
    return true;
  };
  await storage.run('second', async () => {
    function* input(): Generator<number> {
      for (let i = 0; i < 200; i++) {
        note('input');
        yield i;
      }
    }
    async function* later(): AsyncGenerator<number> {
      for (let i = 0; i < 50; i++) {
        note('async input');
        yield i;
      }
    }
    const retries = {
      times: 1,
      when: () => note('when'),
      delay: () => Number(!note('delay')),
    };
    const fail = (n: number): number => {
      if (n % 7 === 0 && task().attempt === 1) throw new Error('once');
      return n;
    };
    await pool.map(input(), fail, { chunk: 1, retries, onProgress: () => note('onProgress') });
    await pool.map(later(), (n) => n);
    await pool.with({ retries }).run(fail, 0);
    const add = (a: number, b: number): number => a + b;
    await pool.reduce(input(), add, (a, b) => (note('combine') ? a + b : 0), 0);
    note('after');
  });
  for (const [where, store] of Object.entries(seen)) assert.equal(store, 'second', where);
  assert.deepEqual(Object.keys(seen).sort(), [
    'after',
    'async input',
    'combine',
    'delay',
    'input',
    'onProgress',
    'when',
  ]);
});

test('a rejection handled later in the same turn is no unhandled one; one never handled is', async () => {
  const handled = await script(`
    import { map, run, stream, Pool } from 'simul';
    const fail = () => { throw new Error('expected'); };
    const future = run(fail);
    const mapped = map([1, 2, 3], fail, { chunk: 1 });
    const cancelled = run(() => 1);
    cancelled.cancel();
    const pool = new Pool({ workers: 2 });
    const each = pool.each(fail);
    const settled = pool.map([1, 2, 3], fail, { onError: 'settle', retries: 1 });
    const folded = pool.reduce([1, 2], fail, (a) => a, 0);
    await Promise.allSettled([future, mapped, cancelled, each, settled, folded]);
    try { for await (const _ of stream([1, 2, 3], fail)); } catch {}
    stream([1], fail); // never read
    pool.run(() => new Promise(() => {})).catch(() => {});
    await pool.terminate();
    console.log('end');
  `);
  assert.deepEqual(handled, { code: 0, stdout: 'end\n', stderr: '' });
  const unhandled = await script(`
    import { run } from 'simul';
    run(() => { throw new RangeError('nobody looks'); });
  `);
  assert.equal(unhandled.code, 1);
  assert.match(unhandled.stderr, /RangeError: nobody looks/);
});

test('a future made by nobody says so', () => {
  const future = new Future<number>(() => {});
  assert.throws(() => future.id, TypeError);
});

test('map of the default pool rejects with the first error and its index', async () => {
  const error = await map([1, 2, 3], (n) => {
    if (n === 2) throw new TypeError('two');
    return n;
  }).catch((error: unknown) => error);
  assert.ok(error instanceof TypeError);
  assert.equal((error as TypeError & { task: { index: number } }).task.index, 1);
  const { pool } = await import('simul');
  await pool().terminate();
});

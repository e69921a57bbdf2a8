import assert from 'node:assert/strict';
import test from 'node:test';
import { Pool, PoolClosedError, QueueFullError, TaskTimeoutError, task, WorkerCrashedError } from 'simul';
import { kind, poolTest, threadPoolTest, threadTest, until, within, workerId } from './support.js';

poolTest('a task’s error comes back as itself, with its origin and both stacks', {}, async (pool) => {
  class OrderError extends Error {
    readonly order: number;
    constructor(message: string, order: number, options?: ErrorOptions) {
      super(message, options);
      this.name = 'OrderError';
      this.order = order;
    }
  }
  const fail = (n: number): number => {
    if (n === 3) throw new OrderError('three', n, { cause: new TypeError('inner') });
    return n;
  };
  const error = await pool.map([1, 2, 3, 4], fail, { chunk: 1 }).then(
    () => assert.fail('it has to fail'),
    (error: unknown) => error,
  );
  assert.ok(error instanceof OrderError);
  assert.equal(error.message, 'three');
  assert.equal(error.order, 3);
  assert.ok(error.cause instanceof TypeError);
  const { task: origin } = error as unknown as { task: { index: number; attempt: number } };
  assert.equal(origin.index, 2);
  assert.equal(origin.attempt, 1);
  assert.match(error.stack ?? '', /at fail .*failures\.test\.js/);
});

poolTest('onError settle keeps the rest', {}, async (pool) => {
  const results = await pool.map(
    [1, 2, 3],
    (n) => {
      if (n === 2) throw new Error('two');
      return n;
    },
    { onError: 'settle' },
  );
  assert.deepEqual(
    results.map(({ status }) => status),
    ['fulfilled', 'rejected', 'fulfilled'],
  );
});

poolTest('what cannot travel is refused before anything runs, and by its path', {}, async (pool) => {
  const connection = { options: { agent: new WeakMap() } };
  await assert.rejects(
    pool.run(() => connection.options),
    (error: Error) => {
      assert.match(error.message, /connection/);
      assert.match(error.message, /\.options\.agent/);
      assert.equal((error as Error & { code: string }).code, 'SIMUL_SERIALIZATION');
      return true;
    },
  );
  await assert.rejects(
    pool.run(() => new WeakMap()),
    { code: 'SIMUL_SERIALIZATION' },
  );
  let count = 0;
  await assert.rejects(
    pool.run(() => ++count),
    /count/,
  );
  assert.equal(await pool.run(() => 1), 1);
});

poolTest('an input that fails surfaces its error; the pool stays usable', {}, async (pool) => {
  for (const at of [0, 5, 19]) {
    function* source(): Generator<number> {
      for (let i = 0; ; i++) {
        if (i === at) throw new RangeError(`input ${at}`);
        yield i;
      }
    }
    await assert.rejects(
      pool.map(source(), (n) => n),
      { message: `input ${at}` },
    );
  }
  assert.deepEqual(await pool.map([1], (n) => n), [1]);
});

poolTest('retries try again, by count, delay and condition', {}, async (pool) => {
  const attempts = await pool.with({ retries: 2 }).run(() => {
    if (task().attempt < 3) throw new Error('again');
    return task().attempt;
  });
  assert.equal(attempts, 3);
  await assert.rejects(
    pool.with({ retries: { times: 5, when: (error) => error instanceof RangeError } }).run(() => {
      throw new TypeError('no use');
    }),
    TypeError,
  );
  const all = await pool.map(
    [1, 2, 3, 4, 5, 6],
    (n) => {
      if (n % 2 === 0 && task().attempt === 1) throw new Error('even');
      return n;
    },
    { retries: { times: 1, delay: 5 } },
  );
  assert.deepEqual(all, [1, 2, 3, 4, 5, 6]);
  assert.equal(pool.stats().retried, 5);
});

poolTest('a task that exits rejects with the reason; the rest goes on', {}, async (pool) => {
  await assert.rejects(
    pool.run(() => process.exit(7)),
    (error: unknown) => {
      assert.ok(error instanceof WorkerCrashedError);
      assert.match(error.message, /exit code 7/);
      assert.equal(error.exitCode, 7);
      return true;
    },
  );
  const results = await pool.map(
    Array.from({ length: 50 }, (_, i) => i),
    (n) => (n === 20 ? process.exit(1) : n),
    { onError: 'settle' },
  );
  assert.deepEqual(
    results.flatMap((result, i) => (result.status === 'rejected' ? [i] : [])),
    [20],
  );
});

threadPoolTest(
  'what had finished in a chunk keeps its result, what had not started moves',
  { workers: 2 },
  async (pool) => {
    const runs = new Int32Array(new SharedArrayBuffer(400));
    const results = await pool.map(
      Array.from({ length: 100 }, (_, i) => i),
      (n) => {
        Atomics.add(runs, n, 1);
        if (n === 50) process.exit(3);
        return n;
      },
      { chunk: 100, onError: 'settle' },
    );
    assert.equal(results.filter(({ status }) => status === 'rejected').length, 1);
    assert.ok(
      [...runs].every((n) => n === 1),
      'every item ran exactly once',
    );
  },
);

poolTest('an uncaught error of a timer is a crash that says so', {}, async (pool) => {
  await assert.rejects(
    pool.run(() => {
      setTimeout(() => {
        throw new RangeError('from a timer');
      }, 1);
      return new Promise(() => {});
    }),
    /RangeError: from a timer/,
  );
});

poolTest('crashed tasks are retried where retries say so', {}, async (pool) => {
  const value = await pool.with({ retries: 1 }).run(() => {
    if (task().attempt === 1) process.exit(1);
    return 'second';
  });
  assert.equal(value, 'second');
});

poolTest('timeout stops synchronous loops and spares the others', {}, async (pool) => {
  const started = performance.now();
  const slow = pool.with({ timeout: 100 }).run(() => {
    for (;;);
  });
  const others = pool.map(
    Array.from({ length: 40 }, (_, i) => i),
    (n) => n,
  );
  await assert.rejects(slow, TaskTimeoutError);
  assert.ok(performance.now() - started < 2000);
  assert.equal((await others).length, 40);
});

poolTest(
  'timeout counts running time, queueTimeout waiting time, deadline both',
  { workers: 1 },
  async (pool) => {
    const busy = pool.run(() => new Promise((resolve) => setTimeout(resolve, 300)));
    const patient = pool.with({ timeout: 200 }).run(() => 'ran');
    await assert.rejects(
      pool.with({ queueTimeout: 50 }).run(() => 1),
      /queueTimeout of 50/,
    );
    await assert.rejects(
      pool.with({ deadline: 50 }).run(() => 1),
      /deadline of 50/,
    );
    await busy;
    assert.equal(await patient, 'ran');
  },
);

poolTest('an aborted signal rejects with its reason and stops what runs', {}, async (pool) => {
  const reason = new Error('enough');
  const controller = new AbortController();
  const running = pool.with({ signal: controller.signal, grace: 20 }).run(() => {
    for (;;);
  });
  setTimeout(() => controller.abort(reason), 100);
  await assert.rejects(running, (error) => error === reason);
  await assert.rejects(
    pool.with({ signal: AbortSignal.abort(reason) }).run(() => 1),
    (error) => error === reason,
  );
  await assert.rejects(
    pool.map([1], (n) => n, { signal: controller.signal }),
    (error) => error === reason,
  );
  assert.equal(
    await within(
      3000,
      pool.run(() => 5),
      'the next task',
    ),
    5,
  );
});

poolTest('tasks that heed their signal keep their worker', { workers: 1 }, async (pool) => {
  const before = await pool.run(workerId);
  const controller = new AbortController();
  const running = pool.with({ signal: controller.signal, grace: 5000 }).run(() => {
    const { signal } = task();
    while (!signal.aborted);
    return 'stopped';
  });
  setTimeout(() => controller.abort(), 100);
  await assert.rejects(running, { name: 'AbortError' });
  const after = await pool.run(workerId);
  assert.equal(after, before);
});

poolTest('cancel settles a future once', { workers: 1 }, async (pool) => {
  const first = pool.run(() => new Promise((resolve) => setTimeout(resolve, 50, 1)));
  const second = pool.run(() => 2);
  assert.equal(second.cancel(), true);
  assert.equal(second.state, 'cancelled');
  assert.equal(second.cancel(), false);
  await assert.rejects(second, { code: 'SIMUL_TASK_CANCELLED' });
  assert.equal(await first, 1);
  assert.equal(first.state, 'done');
  assert.equal(first.cancel(), false);
  const { submitted, started, finished, attempts } = first.info;
  assert.ok(submitted <= started! && started! <= finished!);
  assert.equal(attempts, 1);
});

poolTest('priorities go first', { workers: 1 }, async (pool) => {
  const order: string[] = [];
  const gate = pool.run(() => new Promise((resolve) => setTimeout(resolve, 150)));
  const note = (name: string, priority: number): Promise<void> =>
    Promise.resolve(pool.with({ priority }).run(() => {})).then(() => {
      order.push(name);
    });
  await new Promise((resolve) => setTimeout(resolve, 80));
  const all = [note('low', -1), note('plain', 0), note('plain too', 0), note('high', 5)];
  await gate;
  await Promise.all(all);
  assert.equal(order[order.length - 1], 'low');
  assert.ok(order.indexOf('high') < order.indexOf('plain too'));
});

poolTest('a full queue refuses', { workers: 1, queueLimit: 2 }, async (pool) => {
  const running = pool.run(() => new Promise((resolve) => setTimeout(resolve, 200)));
  while (running.state !== 'running') await new Promise((resolve) => setTimeout(resolve, 5));
  const waiting = [pool.run(() => 1), pool.run(() => 2)];
  await assert.rejects(
    pool.run(() => 3),
    QueueFullError,
  );
  assert.deepEqual(await Promise.all(waiting), [1, 2]);
  await running;
});

poolTest(
  'workers are replaced after their tasks, and none fails',
  { workers: 2, maxTasksPerWorker: 5 },
  async (pool) => {
    const ids = await pool.map(Array.from({ length: 60 }), workerId, { chunk: 1 });
    assert.equal(ids.length, 60);
    assert.ok(new Set(ids).size >= 6);
  },
);

poolTest('an idle worker leaves and a task brings it back', { workers: 1, idleTimeout: 50 }, async (pool) => {
  assert.equal(await pool.run(() => 1), 1);
  const deadline = performance.now() + 5000;
  while (pool.stats().workers > 0 && performance.now() < deadline) {
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  assert.equal(pool.stats().workers, 0);
  assert.equal(await pool.run(() => 2), 2);
});

test('close finishes what was accepted and refuses what comes later', async () => {
  const pool = new Pool({ kind, workers: 2 });
  const results = pool.map(
    Array.from({ length: 30 }, (_, i) => i),
    (n) => new Promise((r) => setTimeout(r, 5, n)),
    { chunk: 1 },
  );
  const single = pool.run(() => 'kept');
  await new Promise((resolve) => setTimeout(resolve, 50));
  const closing = pool.close();
  await assert.rejects(
    pool.run(() => 1),
    PoolClosedError,
  );
  assert.equal(await single, 'kept');
  await results.catch((error) => assert.ok(error instanceof PoolClosedError));
  await within(5000, closing, 'close');
});

test('terminate rejects everything, at once', async () => {
  const pool = new Pool({ kind, workers: 2 });
  const all = Array.from({ length: 100 }, () =>
    pool.run(() => {
      for (;;);
    }),
  );
  const settled = Promise.allSettled(all);
  await new Promise((resolve) => setTimeout(resolve, 100));
  await within(3000, pool.terminate(), 'terminate');
  for (const result of await settled) {
    assert.equal(result.status, 'rejected');
    assert.ok((result as PromiseRejectedResult).reason instanceof PoolClosedError);
  }
});

test('workers that die at start do not loop for ever', async () => {
  const pool = new Pool({ kind, workers: 1, init: () => process.exit(9) });
  await assert.rejects(
    within(
      10_000,
      pool.run(() => 1),
      'giving up',
    ),
    { code: 'SIMUL_ENGINE' },
  );
  await pool.terminate();
});

threadTest('random kills: every task settles exactly once', { timeout: 60_000 }, async () => {
  const pool = new Pool({ kind, workers: 3 });
  const runs = new Int32Array(new SharedArrayBuffer(4 * 400));
  const settled = await within(
    40_000,
    Promise.allSettled(
      Array.from({ length: 400 }, (_, i) =>
        pool.run((n: number) => {
          Atomics.add(runs, n, 1);
          if (n % 13 === 5) process.exit(1);
          if (n % 31 === 7) throw new Error(`error ${n}`);
          return n;
        }, i),
      ),
    ),
    'all tasks',
  );
  for (const [i, result] of settled.entries()) {
    assert.equal(runs[i], 1, `task ${i} ran ${runs[i]} times`);
    if (i % 13 === 5)
      assert.ok((result as PromiseRejectedResult).reason instanceof WorkerCrashedError, `task ${i}`);
    else if (i % 31 === 7) assert.match(String((result as PromiseRejectedResult).reason), /error/);
    else assert.deepEqual(result, { status: 'fulfilled', value: i });
  }
  await within(5000, pool.close(), 'close');
});

threadPoolTest(
  'a busy thread does not take the next task for one that did not stop',
  { workers: 1 },
  async (pool) => {
    const flags = new Int32Array(new SharedArrayBuffer(8));
    const first = pool.with({ grace: 20 }).run(async () => {
      const { signal } = task();
      Atomics.store(flags, 0, 1);
      await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
    });
    const second = pool.run(async () => {
      Atomics.store(flags, 1, 1);
      await new Promise((resolve) => setTimeout(resolve, 100));
      return 'untouched';
    });
    await until(() => Atomics.load(flags, 0) === 1, 'the first runs');
    first.cancel(new Error('enough'));
    await assert.rejects(first, { message: 'enough' });
    // The second has begun before this thread looks at anything, and the grace is over.
    const begun = performance.now();
    const passed = (): number => performance.now() - begun;
    while ((Atomics.load(flags, 1) === 0 && passed() < 5000) || passed() < 50);
    assert.equal(Atomics.load(flags, 1), 1);
    assert.equal(await second, 'untouched');
  },
);

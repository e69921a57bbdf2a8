/** Limits of tasks and pools: times, retries, queues, recycling, starts. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { pathToFileURL } from 'node:url';
import {
  EngineError,
  Pool,
  type PoolStats,
  QueueFullError,
  run,
  TaskTimeoutError,
  task,
  WorkerCrashedError,
} from 'simul';
import { inFolder, kind, poolTest, until, within, workerId } from './support.js';

const thread = workerId;

const settledStats = ({ queued, running, done, failed }: PoolStats): number[] => [
  queued,
  running,
  done,
  failed,
];

// ---- times ----------------------------------------------------------------------------------------------------

poolTest('a timeout counts from the start of each attempt and of each item', { workers: 1 }, async (pool) => {
  // Ten items of 30 ms behind each other never run out of 200 ms.
  const items = await pool.map(
    Array.from({ length: 10 }),
    () => new Promise((resolve) => setTimeout(resolve, 30, 1)),
    { timeout: 200, chunk: 10 },
  );
  assert.equal(items.length, 10);
  const attempts = await pool.with({ timeout: 100, retries: 2, grace: 5 }).run(() => {
    if (task().attempt < 3) for (;;);
    return task().attempt;
  });
  assert.equal(attempts, 3);
});

poolTest('an item out of time fails alone, in a chunk too', { workers: 2 }, async (pool) => {
  const results = await pool.map(
    [1, 2, 3, 4, 5, 6],
    (n) => {
      if (n === 3) for (;;);
      return n;
    },
    { timeout: 100, chunk: 6, grace: 10, onError: 'settle' },
  );
  const failed = results.flatMap((result, i) => (result.status === 'rejected' ? [[i, result.reason]] : []));
  assert.deepEqual(
    failed.map(([i]) => i),
    [2],
  );
  const [, error] = failed[0] as [number, TaskTimeoutError];
  assert.ok(error instanceof TaskTimeoutError);
  assert.match(error.message, /item 2.*timeout of 100 ms/);
  assert.equal(error.task?.index, 2);
});

poolTest('a task that heeds its timeout keeps its worker', { workers: 1 }, async (pool) => {
  const before = await pool.run(thread);
  await assert.rejects(
    Promise.resolve(
      pool.with({ timeout: 50, grace: 60_000 }).run(async () => {
        const { signal } = task();
        await new Promise((resolve) => signal.addEventListener('abort', resolve));
        (globalThis as Record<string, unknown>)['why'] = (signal.reason as { code?: string }).code;
      }),
    ),
    TaskTimeoutError,
  );
  assert.equal(await pool.run(thread), before);
  assert.equal(
    await pool.run(() => (globalThis as Record<string, unknown>)['why']),
    'SIMUL_TASK_TIMEOUT',
    'the signal gives the timeout as its reason',
  );
  assert.deepEqual(settledStats(pool.stats()), [0, 0, 3, 1]);
});

poolTest('a request to stop reaches its item only', { workers: 1 }, async (pool) => {
  const aborted = await pool.map(
    Array.from({ length: 12 }, (_, i) => i),
    async (n) => {
      const { signal } = task();
      const end = performance.now() + (n % 4 === 1 ? 60_000 : 5);
      while (performance.now() < end && !signal.aborted) await new Promise((r) => setImmediate(r));
      return signal.aborted;
    },
    { timeout: 500, grace: 5000, chunk: 12, onError: 'settle' },
  );
  for (const [i, result] of aborted.entries()) {
    if (i % 4 === 1) assert.equal(result.status, 'rejected', `item ${i}`);
    else assert.deepEqual(result, { status: 'fulfilled', value: false }, `item ${i}`);
  }
});

poolTest(
  'who shares a worker with a task that has to be stopped is told',
  { workers: 1, tasksPerWorker: 3 },
  async (pool) => {
    const tenant = (): Promise<never> => new Promise(() => {});
    const both = [pool.run(tenant), pool.run(tenant)];
    await until(() => both.every(({ state }) => state === 'running'), 'both tenants run');
    const tenants = both.map((future) => Promise.resolve(future));
    const stuck = pool.with({ timeout: 50, grace: 10 }).run(() => {
      for (;;);
    });
    const after = pool.run(() => 'moved');
    await assert.rejects(Promise.resolve(stuck), TaskTimeoutError);
    for (const each of tenants) {
      await assert.rejects(each, (error: unknown) => {
        assert.ok(error instanceof WorkerCrashedError);
        assert.match(error.message, /had to be stopped.*timeout of 50 ms/);
        return true;
      });
    }
    assert.equal(await after, 'moved');
  },
);

poolTest('a deadline holds for all attempts and pauses together', { workers: 1 }, async (pool) => {
  await pool.run(() => 1);
  const begun = performance.now();
  let count = 0;
  const when = (): boolean => {
    count += 1;
    return true;
  };
  await assert.rejects(
    Promise.resolve(
      pool.with({ deadline: 300, retries: { times: 1000, delay: 40, when } }).run(() => {
        throw new RangeError('again');
      }),
    ),
    (error: unknown) => error instanceof TaskTimeoutError || error instanceof RangeError,
  );
  const elapsed = performance.now() - begun;
  assert.ok(elapsed >= 250 && elapsed < 2000, `${elapsed} ms`);
  assert.ok(count >= 2 && count <= 9, `${count} attempts`);
});

poolTest('in a map, a deadline is an item’s own, from when it is sent', { workers: 1 }, async (pool) => {
  // The start of the worker would count.
  await pool.run(() => 1);
  const results = await pool.map(
    Array.from({ length: 30 }, (_, i) => i),
    async (n) => {
      await new Promise((resolve) => setTimeout(resolve, 20));
      if (task().attempt === 1) throw new Error('once');
      return n;
    },
    { deadline: 500, window: 2, retries: 1 },
  );
  assert.equal(results.length, 30);
});

poolTest('the pause before a retry is no time in the queue', { workers: 1 }, async (pool) => {
  await pool.run(() => 1);
  const attempt = await pool.with({ queueTimeout: 500, retries: { times: 1, delay: 700 } }).run(() => {
    if (task().attempt === 1) throw new Error('once');
    return task().attempt;
  });
  assert.equal(attempt, 2);
});

poolTest('a pause whose end is noticed late is no time in the queue either', { workers: 1 }, async (pool) => {
  await pool.run(() => 1);
  let failed = false;
  const again = pool
    .with({
      queueTimeout: 300,
      retries: {
        times: 1,
        delay: 50,
        when: () => {
          failed = true;
          return true;
        },
      },
    })
    .run(() => {
      if (task().attempt === 1) throw new Error('once');
      return task().attempt;
    });
  again.catch(() => {});
  await until(() => failed, 'the first attempt has failed');
  // Past the pause and the limit together: the next attempt is sent only then, and has all of its time.
  const end = performance.now() + 600;
  while (performance.now() < end);
  assert.equal(await again, 2);
});

poolTest(
  'times without end are no limits',
  { workers: 1, idleTimeout: Number.POSITIVE_INFINITY },
  async (pool) => {
    const endless = Number.POSITIVE_INFINITY;
    const view = pool.with({ timeout: endless, queueTimeout: endless, deadline: endless, grace: endless });
    assert.equal(await view.run(() => 1), 1);
    const before = await pool.run(thread);
    const slow = pool.with({ timeout: 20, grace: endless }).run(() => {
      const end = performance.now() + 200;
      while (performance.now() < end);
    });
    await assert.rejects(Promise.resolve(slow), TaskTimeoutError);
    assert.equal(await pool.run(thread), before, 'its worker was left alone');
    assert.throws(() => pool.with({ timeout: Number.NaN }), { code: 'SIMUL_INVALID_OPTION' });
  },
);

poolTest(
  'retries.when decides, with the error it is given; what it throws is the result',
  {},
  async (pool) => {
    const seen: unknown[] = [];
    const times = 5;
    const when = (error: unknown): boolean => {
      seen.push((error as Error).message);
      return seen.length < 3;
    };
    const fail = (): never => {
      throw new Error(`attempt ${task().attempt}`);
    };
    await assert.rejects(Promise.resolve(pool.with({ retries: { times, when } }).run(fail)), /attempt 3/);
    assert.deepEqual(seen, ['attempt 1', 'attempt 2', 'attempt 3']);
    const broken = (): boolean => {
      throw new TypeError('when is broken');
    };
    await assert.rejects(
      Promise.resolve(pool.with({ retries: { times, when: broken } }).run(fail)),
      /when is broken/,
    );
    await assert.rejects(pool.map([1], fail, { retries: { times, when: broken } }), /when is broken/);
    const pauses: number[] = [];
    await assert.rejects(
      Promise.resolve(pool.with({ retries: { times: 2, delay: (n) => pauses.push(n) } }).run(fail)),
    );
    assert.deepEqual(pauses, [1, 2]);
  },
);

// ---- queues ---------------------------------------------------------------------------------------------------

poolTest('a task for which a worker is free does not wait', { workers: 2, queueLimit: 1 }, async (pool) => {
  const four = [1, 2, 3, 4].map((n) => Promise.resolve(pool.run((m: number) => m, n)));
  const settled = await Promise.allSettled(four);
  assert.deepEqual(
    settled.map(({ status }) => status),
    ['fulfilled', 'fulfilled', 'fulfilled', 'rejected'],
  );
  assert.ok((settled[3] as PromiseRejectedResult).reason instanceof QueueFullError);
});

poolTest(
  'with a queueLimit of 0 nothing waits, and what does not wait runs',
  { workers: 1, queueLimit: 0 },
  async (pool) => {
    for (let i = 0; i < 5; i++) assert.equal(await pool.run((n: number) => n, i), i);
    const first = Promise.resolve(pool.run(() => 1));
    await assert.rejects(Promise.resolve(pool.run(() => 2)), QueueFullError);
    assert.equal(await first, 1);
  },
);

poolTest(
  'a full queue holds a map back; calls in tasks are part of what was accepted',
  { workers: 2, queueLimit: 3 },
  async (pool) => {
    const items = Array.from({ length: 300 }, (_, i) => i);
    let most = 0;
    const watch = setInterval(() => {
      most = Math.max(most, pool.stats().queued);
    }, 1);
    assert.deepEqual(await pool.map(items, (n) => n), items);
    clearInterval(watch);
    assert.ok(most <= 3 + 2, `${most} waited`);
    const nested = await pool.map([1, 2, 3], async (n) => {
      const all = await Promise.all(Array.from({ length: 20 }, (_, i) => run((a: number) => a, i)));
      return all.length + n;
    });
    assert.deepEqual(nested, [21, 22, 23]);
  },
);

test('stats add up while tasks fail, run out of time and are cancelled', async () => {
  const pool = new Pool({ kind, workers: 2 });
  const calls: Promise<unknown>[] = [];
  for (let i = 0; i < 60; i++) {
    const view = pool.with(i % 5 === 0 ? { timeout: 30, grace: 5 } : {});
    const future = view.run((n: number) => {
      if (n % 5 === 0) for (;;);
      if (n % 7 === 0) throw new Error('seven');
      return n;
    }, i);
    calls.push(future);
    if (i % 11 === 1) future.cancel();
    const { queued, running, done, failed } = pool.stats();
    assert.equal(queued + running + done + failed, i + 1);
  }
  const whole = Promise.allSettled(calls);
  let open = true;
  void whole.then(() => {
    open = false;
  });
  while (open) {
    const { queued, running, done, failed } = pool.stats();
    assert.equal(queued + running + done + failed, 60);
    assert.ok(running <= 2);
    await new Promise((resolve) => setImmediate(resolve));
  }
  const settled = await whole;
  const good = settled.filter(({ status }) => status === 'fulfilled').length;
  assert.deepEqual(settledStats(pool.stats()), [0, 0, good, 60 - good]);
  await within(5000, pool.close(), 'close');
});

poolTest('cancelling a job that was split counts each item once', { workers: 2 }, (pool) =>
  inFolder(async (folder) => {
    const controller = new AbortController();
    const [gate, log] = [join(folder, 'gate'), join(folder, 'log')];
    writeFileSync(log, '');
    writeFileSync(gate, 'shut');
    const item = async (n: number): Promise<void> => {
      const { appendFileSync, existsSync } = await import('node:fs');
      appendFileSync(log, n < 10 ? 'e' : 'h');
      while (n >= 10 && existsSync(gate)) await new Promise((resolve) => setTimeout(resolve, 2));
    };
    const { signal } = controller;
    const items = Array.from({ length: 100 }, (_, n) => n);
    const all = pool.map(items, item, { chunk: 100, signal, grace: 10_000 });
    const outcome = assert.rejects(all, { name: 'AbortError' });
    // Which of the first ten have ended depends on where the job was split.
    const ended = (): number => readFileSync(log, 'latin1').replaceAll('h', '').length;
    const bothHold = (): boolean => readFileSync(log, 'latin1').replaceAll('e', '').length === 2;
    // Word of them may come later than what they write.
    const told = (): boolean => pool.stats().running === 2 && pool.stats().done === ended();
    await until(() => bothHold() && told(), 'both workers have a part');
    controller.abort();
    await outcome;
    const { done, failed } = pool.stats();
    assert.deepEqual([done, failed], [ended(), 100 - ended()]);
    rmSync(gate);
  }),
);

// ---- workers --------------------------------------------------------------------------------------------------

for (const maxTasksPerWorker of [1, 2, 3]) {
  poolTest(
    `a worker runs ${maxTasksPerWorker} tasks and no more`,
    { workers: 2, maxTasksPerWorker },
    async (pool) => {
      const ids = await pool.map(Array.from({ length: 30 }), thread);
      const counts = new Map<string, number>();
      for (const id of ids) counts.set(id, (counts.get(id) ?? 0) + 1);
      assert.ok(
        [...counts.values()].every((count) => count <= maxTasksPerWorker),
        JSON.stringify([...counts]),
      );
      const single = await Promise.all(Array.from({ length: 10 }, () => pool.run(thread)));
      for (const id of new Set(single)) {
        assert.ok(single.filter((each) => each === id).length <= maxTasksPerWorker);
      }
    },
  );
}

poolTest(
  'recycled workers serve calls of their own tasks',
  { workers: 1, maxTasksPerWorker: 1 },
  async (pool) => {
    const deep = async (n: number): Promise<number> => (n === 0 ? 0 : 1 + (await run(deep, n - 1)));
    assert.equal(await within(15_000, Promise.resolve(pool.run(deep, 6)), 'the chain'), 6);
  },
);

poolTest(
  'an idle worker leaves, also one that never ran anything',
  { workers: 2, idleTimeout: 30 },
  async (pool) => {
    const future = pool.run(() => 1);
    future.cancel();
    await future.catch(() => {});
    await until(() => pool.stats().workers === 0, 'no worker is left');
    assert.equal(await pool.run(() => 2), 2);
  },
);

test('an async init is waited for, and its error reaches every task, also later ones', async () => {
  const pool = new Pool({
    kind,
    workers: 2,
    init: async () => {
      await new Promise((resolve) => setTimeout(resolve, 100));
      (globalThis as Record<string, unknown>)['ready'] = 'yes';
    },
  });
  assert.deepEqual(await pool.each(() => (globalThis as Record<string, unknown>)['ready']), ['yes', 'yes']);
  await pool.close();
  const broken = new Pool({ kind, workers: 2, init: () => Promise.reject(new RangeError('no model')) });
  const all = await Promise.allSettled([
    broken.run(() => 1),
    broken.map([1, 2, 3], (n) => n),
    broken.each(() => 1),
    broken.with({ retries: 3 }).run(() => 1),
  ]);
  for (const result of all) {
    assert.equal(result.status, 'rejected');
    const { reason } = result as PromiseRejectedResult;
    assert.ok(reason instanceof EngineError);
    assert.ok(reason.cause instanceof RangeError);
  }
  await assert.rejects(Promise.resolve(broken.run(() => 1)), /no model/);
  await within(3000, broken.close(), 'close');
  assert.equal(broken.stats().workers, 0);
});

poolTest(
  'env and execArgv are the workers’ own',
  { workers: 1, env: { ONLY: 'this' }, execArgv: ['--no-warnings'] },
  async (pool) => {
    assert.deepEqual(await pool.run(() => ({ ...process.env })), { ONLY: 'this' });
    const flags = await pool.run(() => process.execArgv);
    assert.deepEqual(flags, ['--no-warnings']);
    assert.ok(process.env['PATH'] !== undefined);
  },
);

test('a module that ends every worker fails the tasks that need it, and no others', {
  timeout: 40_000,
}, async () => {
  const folder = await mkdtemp(join(tmpdir(), 'simul-'));
  try {
    const file = join(folder, 'ends.mjs');
    await writeFile(
      file,
      `import { isMainThread } from 'node:worker_threads';
       if (!isMainThread || process.pid !== ${process.pid}) process.exit(3);
       export const value = 1;
       export const use = () => value;`,
    );
    const { use } = (await import(pathToFileURL(file).href)) as { use: () => number };
    const pool = new Pool({ kind, workers: 2 });
    const good = Promise.all(Array.from({ length: 50 }, (_, i) => pool.run((n: number) => n, i)));
    const bad = Promise.resolve(pool.run(use));
    await assert.rejects(within(20_000, bad, 'the task'), (error: unknown) => {
      assert.ok(error instanceof WorkerCrashedError);
      assert.match(error.message, /before this task could start/);
      assert.equal(error.exitCode, 3);
      return true;
    });
    assert.equal((await within(10_000, good, 'the others')).length, 50);
    await within(5000, pool.close(), 'close');
  } finally {
    await rm(folder, { recursive: true });
  }
});

test('close ends a worker that something left behind holds', () =>
  inFolder(async (folder) => {
    const pool = new Pool({ kind, workers: 1 });
    const file = join(folder, 'begun');
    await pool.run(async () => {
      const { writeFileSync } = await import('node:fs');
      setTimeout(() => {
        writeFileSync(file, '');
        for (;;);
      });
    });
    await until(() => existsSync(file), 'the loop runs');
    await within(5000, pool.close(), 'close');
    assert.equal(pool.stats().workers, 0);
  }));

test('a slow disposal is waited for', () =>
  inFolder(async (folder) => {
    const { workerLocal } = await import('simul');
    const file = join(folder, 'closed');
    const handle = workerLocal(() => ({
      close: async () => {
        await new Promise((resolve) => setTimeout(resolve, 1500));
        const { writeFileSync } = await import('node:fs');
        writeFileSync(file, '');
      },
    }));
    const pool = new Pool({ kind, workers: 1 });
    await pool.run(() => void handle());
    await pool.close();
    assert.ok(existsSync(file));
  }));

test('an error that ends an idle worker is said, and the pool goes on', async () => {
  const pool = new Pool({ kind, workers: 1 });
  const warned = new Promise<Error>((resolve) => process.once('warning', resolve));
  await pool.run(() => {
    setTimeout(() => {
      throw new RangeError('left behind');
    });
  });
  const warning = await within(5000, warned, 'the warning');
  assert.match(warning.message, /worker 0 .*RangeError: left behind/);
  assert.equal(await pool.run(() => 1), 1);
  await pool.close();
});

test('workers that cannot be started fail the tasks, every time, with the cause', async () => {
  const pool = new Pool({ kind, workers: 2, execArgv: ['--no-such-flag'] });
  for (let i = 0; i < 2; i++) {
    await assert.rejects(within(5000, Promise.resolve(pool.run(() => 1)), 'the task'), (error: unknown) => {
      assert.ok(error instanceof EngineError);
      if (kind === 'process') assert.match((error.cause as Error).message, /bad option: --no-such-flag/);
      else assert.equal((error.cause as { code?: string }).code, 'ERR_WORKER_INVALID_EXEC_ARGV');
      return true;
    });
  }
  await within(3000, pool.close(), 'close');
});

poolTest('a result that waits for room while this thread is busy is no running time', {}, async (pool) => {
  const items = Array.from({ length: 4000 }, (_, n) => n);
  const folder = await mkdtemp(join(tmpdir(), 'simul-'));
  try {
    for (let round = 0; round < 2; round++) {
      const begun = join(folder, `${round}`);
      // More than the rings hold: both workers wait in the middle of their chunks.
      const work = (n: number): string => {
        if (n === 0) process.getBuiltinModule('node:fs').writeFileSync(begun, '');
        return `${'x'.repeat(4000)}${n}`;
      };
      const mapped = pool.map(items, work, { chunk: 2000, timeout: 1000 });
      await until(() => existsSync(begun), 'an item has begun');
      const end = performance.now() + 1500;
      while (performance.now() < end);
      assert.equal((await within(10_000, mapped, 'the map')).length, items.length);
    }
  } finally {
    await rm(folder, { recursive: true });
  }
});

poolTest('nor has the item behind such a result run meanwhile', {}, (pool) =>
  inFolder(async (folder) => {
    const [begun, go, taken] = ['begun', 'go', 'taken'].map((name) => join(folder, name)) as [
      string,
      string,
      string,
    ];
    // The first item that begins after the wait takes long enough to be looked at while it runs.
    const work = (n: number): string => {
      const fs = process.getBuiltinModule('node:fs');
      if (n === 0) fs.writeFileSync(begun, '');
      if (fs.existsSync(go)) {
        try {
          fs.renameSync(go, taken);
          const end = performance.now() + 400;
          while (performance.now() < end);
        } catch {
          // Another one was the first.
        }
      }
      return `${'x'.repeat(4000)}${n}`;
    };
    const items = Array.from({ length: 4000 }, (_, n) => n);
    const mapped = pool.map(items, work, { chunk: 2000, timeout: 1000 });
    await until(() => existsSync(begun), 'an item has begun');
    const end = performance.now() + 1500;
    while (performance.now() < end);
    writeFileSync(go, '');
    assert.equal((await within(10_000, mapped, 'the map')).length, items.length);
    assert.ok(existsSync(taken));
  }),
);

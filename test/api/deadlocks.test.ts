/**
 * What hangs or poisons other pools, after the suites of concurrent.futures (its deadlock family), loky (its crash races) and
 * joblib: each test ends with a pool that works, closed in bounded time, and no child left.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import test from 'node:test';
import { EngineError, Pool, PoolClosedError, run, task, WorkerCrashedError } from 'simul';
import { kind, poolTest, until, within } from './support.js';

/** Children of this process that run, where the system says. */
function children(): string[] {
  try {
    const text = readFileSync(`/proc/self/task/${process.pid}/children`, 'utf8');
    return text.trim().split(' ').filter(Boolean);
  } catch {
    return [];
  }
}

function healthyTest(name: string, workers: number, body: (pool: Pool) => Promise<void>): void {
  poolTest(name, { workers }, async (pool) => {
    const before = children();
    await body(pool);
    const works = pool.map([1, 2, 3], (n) => n + 1);
    assert.deepEqual(await within(10_000, works, 'work afterwards'), [2, 3, 4]);
    await within(5000, pool.close(), 'close');
    const left = children().filter((pid) => !before.includes(pid));
    assert.deepEqual(left, [], 'no child is left');
  });
}

const outcome = (call: PromiseLike<unknown>): Promise<unknown> =>
  within(15_000, call, 'the call').then(
    (value) => ({ value }),
    (error: unknown) => error,
  );

// ---- the deadlock family ----------------------------------------------------------------------------------------

type Harm = 'exit' | 'abort' | 'error';

/** Each does its harm in a worker only, where the test runs it, not while it is read. */
function harm(how: Harm): never {
  if (how === 'error') throw new RangeError('harm');
  if (how === 'abort') process.kill(process.pid, 'SIGKILL');
  process.exit(7);
}

const harms: readonly Harm[] = kind === 'process' ? ['exit', 'abort', 'error'] : ['exit', 'error'];
const owner = process.pid;

/** In the program itself the code below does no harm: there it is only made. */
const places: Readonly<Record<string, (pool: Pool, how: Harm) => PromiseLike<unknown>>> = {
  'while the task is read': (pool, how) => {
    // biome-ignore lint/complexity/noStaticOnlyClass: it is sent, and made anew where it is read
    class Harmful {
      static readonly done = ((): number => {
        const { isMainThread } = process.getBuiltinModule('node:worker_threads');
        return process.pid === owner && isMainThread ? 0 : harm(how);
      })();
    }
    return pool.run(() => new Harmful());
  },
  'while it runs': (pool, how) => pool.run(() => harm(how)),
  'while the result is written': (pool, how) =>
    pool.run(() => ({
      get harmful() {
        return harm(how);
      },
    })),
};

for (const [where, call] of Object.entries(places)) {
  for (const how of harms) {
    healthyTest(`${how} ${where}: this task fails, and no other`, 2, async (pool) => {
      const others = Array.from({ length: 30 }, (_, i) => pool.run((n: number) => n, i));
      const bad = [outcome(call(pool, how)), outcome(call(pool, how))];
      const more = pool.map(
        Array.from({ length: 30 }, (_, i) => i),
        (n) => n,
      );
      for (const error of await Promise.all(bad)) {
        assert.ok(error instanceof Error, `${JSON.stringify(error)}`);
        if (how !== 'error') assert.ok(error instanceof WorkerCrashedError, error.stack);
      }
      assert.equal((await within(15_000, Promise.all(others), 'the others')).length, 30);
      assert.equal((await within(15_000, more, 'the map')).length, 30);
    });
  }
}

healthyTest('an error while the result is read: this task fails, and no other', 2, async (pool) => {
  const others = Array.from({ length: 30 }, (_, i) => pool.run((n: number) => n, i));
  const owner = process.pid;
  const error = await outcome(
    pool.run(async () => {
      const { isMainThread } = await import('node:worker_threads');
      const there = [process.pid, isMainThread] as const;
      // Made anew where it is read, which is where this does its harm.
      class Unreadable {
        readonly field = 1;
        static readonly done = ((): number => {
          const main = process.getBuiltinModule('node:worker_threads').isMainThread;
          if (process.pid === owner && main && !(there[0] === owner && there[1]))
            throw new RangeError('harm');
          return 0;
        })();
      }
      return new Unreadable();
    }),
  );
  assert.match(String(error), /harm/);
  assert.equal((await within(15_000, Promise.all(others), 'the others')).length, 30);
});

healthyTest('a result that cannot travel, twenty times: workers survive', 2, async (pool) => {
  const worker = await pool.each(() => task().worker);
  for (let i = 0; i < 20; i++) {
    const error = await outcome(pool.run(() => new WeakMap()));
    assert.equal((error as { code?: string }).code, 'SIMUL_SERIALIZATION');
  }
  assert.deepEqual(await pool.each(() => task().worker), worker);
  assert.equal(pool.stats().failed, 20);
});

// ---- crash races ------------------------------------------------------------------------------------------------

/** Without shared memory a process is two threads more to this machine, and nothing else to this race. */
const crowds = process.env.SIMUL_SHARED_MEMORY === 'off' ? [1, 2, 5] : [1, 2, 5, 13];

for (const workers of crowds) {
  healthyTest(`${workers} workers that end each other: every call settles`, workers, async (pool) => {
    const pids = kind === 'process' ? await pool.each(() => process.pid) : [];
    const settled = await within(
      20_000,
      Promise.allSettled(
        Array.from({ length: 4 * workers }, (_, i) =>
          pool.run(async () => {
            const victim = pids[(i * 7 + 3) % Math.max(1, pids.length)];
            try {
              if (victim !== undefined) process.kill(victim, 'SIGKILL');
            } catch {}
            await new Promise((resolve) => setTimeout(resolve, i % 5));
            if (i % 2 === 0) process.exit(i);
            return i;
          }),
        ),
      ),
      'all calls',
    );
    for (const [i, result] of settled.entries()) {
      if (result.status === 'fulfilled') assert.equal(result.value, i);
      else {
        const { reason } = result as { reason: unknown };
        assert.ok(reason instanceof WorkerCrashedError || reason instanceof EngineError, String(reason));
      }
      if (i % 2 === 0) assert.equal(result.status, 'rejected');
    }
  });
}

healthyTest('100 bad tasks, then 100 good ones', 2, async (pool) => {
  const bad = Array.from({ length: 100 }, (_, i) => {
    if (i % 4 === 0) return outcome(pool.run(() => process.exit(1)));
    if (i % 4 === 1) return outcome(pool.run(() => harm('error')));
    if (i % 4 === 2) return outcome(pool.run(() => new WeakSet()));
    return outcome(pool.run(() => new WeakRef({})));
  });
  const good = Array.from({ length: 100 }, (_, i) => pool.run((n: number) => n, i));
  assert.deepEqual(
    await within(25_000, Promise.all(good), 'the good ones'),
    good.map((_, i) => i),
  );
  for (const error of await Promise.all(bad)) assert.ok(error instanceof Error);
});

test('calls while the pool is shut down: each settles, and nothing is accepted and forgotten', {
  timeout: 60_000,
}, async () => {
  for (let round = 0; round < 12; round++) {
    const pool = new Pool({ kind, workers: 2 });
    const calls: Promise<unknown>[] = [];
    const call = (): void => {
      calls.push(
        pool.run((n: number) => n, calls.length),
        pool.map([1, 2, 3], (n) => n, { chunk: 1 }),
      );
      // Settled before all of them are looked at.
      for (const each of calls.slice(-2)) each.catch(() => {});
    };
    for (let i = 0; i < 5; i++) call();
    if (round % 2 === 0) await calls[0];
    const ending = round % 3 === 0 ? pool.terminate() : pool.close();
    for (let i = 0; i < 5; i++) call();
    const timer = setInterval(call, 1);
    await within(10_000, ending, 'the end');
    clearInterval(timer);
    call();
    const settled = await within(5000, Promise.allSettled(calls), 'all calls');
    for (const [i, result] of settled.entries()) {
      if (result.status === 'rejected')
        assert.ok(result.reason instanceof PoolClosedError, String(result.reason));
      else if (i % 2 === 0) assert.equal(result.value, i);
      // What was accepted before `close` is done.
      if (round % 3 !== 0 && i < 10) assert.equal(result.status, 'fulfilled');
    }
    assert.equal(pool.stats().workers, 0);
  }
});

// ---- inputs, aborts, depth --------------------------------------------------------------------------------------

for (const at of [0, 5, 19]) {
  healthyTest(`an input that fails at item ${at}: its error, at its place`, 2, async (pool) => {
    function* input(): Generator<number> {
      for (let i = 0; ; i++) {
        if (i === at) throw new RangeError(`input ${at}`);
        yield i;
      }
    }
    async function* later(): AsyncGenerator<number> {
      for (const i of input()) {
        await new Promise((resolve) => setImmediate(resolve));
        yield i;
      }
    }
    for (const source of [input, later]) {
      await assert.rejects(
        within(
          10_000,
          pool.map(source(), (n) => n),
          'the map',
        ),
        /input/,
      );
      await assert.rejects(
        within(
          10_000,
          pool.forEach(source(), (n) => n),
          'forEach',
        ),
        /input/,
      );
      const seen: number[] = [];
      const reading = (async () => {
        for await (const n of pool.stream(source(), (x) => x)) seen.push(n);
      })();
      await assert.rejects(within(10_000, reading, 'the stream'), new RegExp(`input ${at}`));
      assert.deepEqual(
        seen,
        Array.from({ length: at }, (_, i) => i),
        'what came before it was given',
      );
    }
  });
}

healthyTest('one error ends a map of tasks that would take minutes', 2, async (pool) => {
  const begun = performance.now();
  const all = pool.map(
    Array.from({ length: 100 }, (_, i) => i),
    async (n) => {
      if (n === 3) throw new RangeError('three');
      await new Promise((resolve) => setTimeout(resolve, n < 3 ? 10 : 60_000));
    },
    { chunk: 1 },
  );
  await assert.rejects(within(20_000, all, 'the map'), /three/);
  await until(() => pool.stats().running === 0, 'nothing runs');
  assert.ok(performance.now() - begun < 20_000);
});

healthyTest('terminate with thousands of calls queued', 2, async (pool) => {
  const other = new Pool({ kind, workers: 2 });
  const hang = (): Promise<never> => new Promise(() => {});
  const calls = Array.from({ length: 10_000 }, () => other.run(hang));
  const settled = Promise.allSettled(calls);
  await until(() => other.stats().running === 2, 'some run');
  await within(5000, other.terminate(), 'terminate');
  assert.ok((await settled).every(({ status }) => status === 'rejected'));
  assert.equal(await pool.run(() => 1), 1);
});

healthyTest(
  'ten deep is fine, without end is an error, and no more workers than there may be',
  2,
  async (pool) => {
    const deep = async (n: number): Promise<number> => (n === 0 ? 0 : 1 + (await run(deep, n - 1)));
    assert.equal(await within(15_000, pool.run(deep, 10), 'ten deep'), 10);
    const endless = async (n: number): Promise<number> => run(endless, n + 1);
    let most = 0;
    const watch = setInterval(() => {
      most = Math.max(most, pool.stats().workers);
    }, 5);
    const error = await outcome(pool.run(endless, 0));
    clearInterval(watch);
    assert.ok(error instanceof EngineError, String(error));
    assert.match(error.message, /full of tasks that wait|nest more than 1000 deep/);
    assert.ok(most <= 2, `${most} workers`);
  },
);

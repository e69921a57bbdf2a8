/** `forRange`: every index once, whatever happens. */
import assert from 'node:assert/strict';
import { forRange, InvalidOptionError, type Progress, shared, task } from 'simul';
import { poolTest, until, within } from './support.js';

type Failure = Error & { task?: { index: number; to: number; attempt: number } };

/** How often each index was in a range. */
const counting = (counts: Int32Array) => (from: number, to: number) => {
  for (let i = from; i < to; i++) Atomics.add(counts, i, 1);
};
const each = (counts: Int32Array, expected: number): void => {
  assert.equal(
    counts.findIndex((count) => count !== expected),
    -1,
  );
};

poolTest('each index once: any n, automatic ranges and fixed ones', { workers: 3 }, async (pool) => {
  for (const n of [0, 1, 2, 7, 1000, 300_001]) {
    for (const chunk of ['auto', 1, 3, 1000] as const) {
      if (n / (chunk === 'auto' ? n : chunk) > 20_000) continue;
      const counts = shared(Int32Array, n);
      await pool.forRange(n, counting(counts), { chunk });
      each(counts, 1);
    }
  }
});

poolTest('fixed ranges are as long as asked for, but for the last', {}, async (pool) => {
  const ends = shared(Int32Array, 10);
  await pool.forRange(
    10,
    (from, to) => {
      ends[from] = to;
    },
    { chunk: 4 },
  );
  assert.deepEqual([...ends], [4, 0, 0, 0, 8, 0, 0, 0, 10, 0]);
});

poolTest('two thousand million indices: nothing is sent for an index', {}, async (pool) => {
  const sums = shared(BigInt64Array, 2);
  const n = 2e9;
  await within(
    10_000,
    pool.forRange(n, (from, to) => {
      Atomics.add(sums, 0, BigInt(to - from));
      Atomics.add(sums, 1, 1n);
    }),
    'the loop',
  );
  assert.equal(sums[0], BigInt(n));
  assert.ok(sums[1]! < 10_000n, `${sums[1]} ranges`);
  await pool.forRange(Number.MAX_SAFE_INTEGER, (from, to) => {
    if (!(Number.isSafeInteger(from) && from < to && to <= Number.MAX_SAFE_INTEGER))
      throw new Error(`${from} ${to}`);
    Atomics.add(sums, 0, BigInt(to) - BigInt(from));
  });
  assert.equal(sums[0], BigInt(n) + BigInt(Number.MAX_SAFE_INTEGER));
});

poolTest('ranges follow the cost: a dear index stands alone, all workers take part', {}, async (pool) => {
  const workers = shared(Int32Array, 40);
  const lengths = shared(Int32Array, 40);
  await pool.each(() => {});
  await pool.forRange(40, (from, to) => {
    const end = performance.now() + 5 * (to - from);
    while (performance.now() < end);
    for (let i = from; i < to; i++) {
      workers[i] = task().worker + 1;
      lengths[i] = to - from;
    }
  });
  assert.deepEqual([...new Set(workers)].sort(), [1, 2]);
  assert.deepEqual(new Set(lengths), new Set([1]));
});

poolTest('async bodies, generators, and calls inside tasks', {}, async (pool) => {
  const counts = shared(Int32Array, 100);
  const count = counting(counts);
  await pool.forRange(100, async (from, to) => {
    await new Promise((resolve) => setImmediate(resolve));
    count(from, to);
  });
  each(counts, 1);
  await pool.forRange(
    100,
    function* (from, to) {
      yield from;
      count(from, to);
    },
    { chunk: 30 },
  );
  each(counts, 2);
  await pool.run(async () => {
    await forRange(100, count);
    if (counts[99] !== 3) throw new Error('not done');
  });
  each(counts, 3);
});

poolTest('an error tells its range, and ends the loop', {}, async (pool) => {
  for (const chunk of ['auto', 50] as const) {
    await assert.rejects(
      pool.forRange(
        10_000,
        (from, to) => {
          if (from <= 700 && 700 < to) throw new RangeError('at 700');
        },
        { chunk },
      ),
      (error: Failure) => {
        assert.equal(error.message, 'at 700');
        assert.ok(error instanceof RangeError && error.task!.index <= 700 && 700 < error.task!.to);
        if (chunk === 50) assert.deepEqual([error.task!.index, error.task!.to], [700, 750]);
        return true;
      },
    );
  }
});

poolTest('settle: the other ranges go on, failures are counted in indices', {}, async (pool) => {
  const counts = shared(Int32Array, 1000);
  const count = counting(counts);
  const reports: Progress[] = [];
  await pool.forRange(
    1000,
    (from, to) => {
      count(from, to);
      if (from === 300) throw new Error('no');
    },
    {
      chunk: 100,
      onError: 'settle',
      onProgress: (progress) => {
        reports.push(progress);
      },
    },
  );
  each(counts, 1);
  const last = reports.at(-1)!;
  assert.deepEqual(
    [last.done, last.failed, last.total, last.fraction, last.running],
    [1000, 100, 1000, 1, 0],
  );
});

poolTest('progress counts indices', {}, async (pool) => {
  const reports: Progress[] = [];
  await pool.forRange(
    2000,
    (from, to) => {
      const end = performance.now() + 0.1 * (to - from);
      while (performance.now() < end);
    },
    {
      onProgress: (progress) => {
        reports.push(progress);
      },
    },
  );
  assert.ok(reports.length > 1);
  for (const { done, total, running } of reports) {
    assert.ok(total === 2000 && done >= 0 && running >= 0 && done + running <= 2000, `${done} ${running}`);
  }
  assert.equal(reports.at(-1)!.done, 2000);
});

poolTest('a worker that dies in a range: the error says which', {}, async (pool) => {
  await assert.rejects(
    pool.forRange(10_000, (from, to) => {
      if (from <= 5000 && 5000 < to) process.exit(3);
    }),
    (error: Failure) => {
      const { index, to } = error.task!;
      assert.ok(index <= 5000 && 5000 < to);
      assert.match(error.message, new RegExp(`its range was \\[${index}, ${to}\\)$`));
      return (error as { code?: string }).code === 'SIMUL_WORKER_CRASHED';
    },
  );
});

for (const chunk of ['auto', 64] as const) {
  poolTest(
    `retries: a range that failed or lost its worker runs again, and no other (${chunk})`,
    {},
    async (pool) => {
      const counts = shared(Int32Array, 5000);
      const tries = shared(Int32Array, 2);
      const count = counting(counts);
      await pool.forRange(
        5000,
        (from, to) => {
          if (from <= 1000 && 1000 < to && Atomics.add(tries, 0, 1) === 0) throw new Error('once');
          if (from <= 3000 && 3000 < to && Atomics.add(tries, 1, 1) === 0) process.exit(1);
          count(from, to);
        },
        { chunk, retries: 2 },
      );
      each(counts, 1);
      assert.ok(pool.stats().retried >= 2);
    },
  );
}

poolTest('retries: a range out of time runs again', {}, async (pool) => {
  const counts = shared(Int32Array, 1000);
  const tries = shared(Int32Array, 1);
  const count = counting(counts);
  await pool.forRange(
    1000,
    (from, to) => {
      if (from <= 500 && 500 < to && Atomics.add(tries, 0, 1) === 0) for (;;);
      count(from, to);
    },
    { retries: 1, timeout: 500 },
  );
  each(counts, 1);
});

poolTest('an abort half-way stops what runs and starts no more', {}, async (pool) => {
  const counts = shared(Int32Array, 1_000_000);
  const started = shared(Int32Array, 1);
  const controller = new AbortController();
  const loop = pool.forRange(
    1_000_000,
    (from) => {
      Atomics.add(started, 0, 1);
      counts[from] = 1;
      const end = performance.now() + 1;
      while (performance.now() < end);
    },
    { signal: controller.signal, chunk: 1 },
  );
  await until(() => started[0]! > 10, 'ranges have started');
  controller.abort(new Error('enough'));
  const then = started[0]!;
  await assert.rejects(loop, { message: 'enough' });
  // When this has run, so has all that had begun: of each worker a range may have been claimed and not counted yet.
  await pool.each(() => {});
  assert.ok(started[0]! <= then + 2, `${then} at the abort, ${started[0]} in all`);
  await assert.rejects(
    pool.forRange(10, () => {}, { signal: controller.signal }),
    { message: 'enough' },
  );
});

poolTest('a body that never ends is stopped by an abort', {}, async (pool) => {
  const started = shared(Int32Array, 1);
  const controller = new AbortController();
  const loop = pool.forRange(
    100,
    () => {
      started[0] = 1;
      for (;;);
    },
    { signal: controller.signal, grace: 20 },
  );
  await until(() => started[0] === 1, 'a range has started');
  controller.abort(new Error('enough'));
  await assert.rejects(loop, { message: 'enough' });
});

poolTest('a seed: the same random numbers on any number of workers', { workers: 3 }, async (pool) => {
  const draw = async (view: typeof pool): Promise<number[]> => {
    const numbers = shared(Float64Array, 5000);
    await view.forRange(
      5000,
      (from, to) => {
        const { random } = task();
        for (let i = from; i < to; i++) numbers[i] = random();
      },
      { seed: 7 },
    );
    return [...numbers];
  };
  const one = await draw(pool.worker(0));
  assert.equal(new Set(one).size, 5000);
  assert.deepEqual(await draw(pool), one);
});

poolTest('other work goes between the ranges of a long loop', {}, async (pool) => {
  const stop = shared(Int32Array, 1);
  const loop = pool.forRange(
    1_000_000,
    () => {
      const end = performance.now() + 1;
      while (stop[0] === 0 && performance.now() < end);
    },
    { chunk: 1 },
  );
  assert.equal(
    await within(
      5000,
      pool.run(() => 1),
      'a call beside the loop',
    ),
    1,
  );
  stop[0] = 1;
  await loop;
});

poolTest('what is refused', {}, async (pool) => {
  const body = (): void => {};
  const refused = (promise: Promise<unknown>, message: RegExp) =>
    assert.rejects(
      promise,
      (error: Error) => error instanceof InvalidOptionError && message.test(error.message),
    );
  for (const n of [-1, 1.5, Number.NaN, 2 ** 60, '5', undefined]) {
    await refused(pool.forRange(n as number, body), /an integer, 0 or more/);
  }
  await refused(pool.forRange(5, 'body' as unknown as () => void), /a function as its second argument/);
  await refused(pool.forRange(5, body, { chunk: 0 }), /"chunk" must be 'auto' or a positive integer/);
  await refused(pool.forRange(5, body, { window: 5 } as object), /no option "window"/);
  const socket = process.stdin;
  await assert.rejects(
    pool.forRange(5, () => void socket.read()),
    { code: 'SIMUL_SERIALIZATION', path: 'socket' },
  );
});

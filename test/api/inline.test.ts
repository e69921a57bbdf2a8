/** `inline: 'auto'`: calls that are too cheap to ship run in the calling thread, and nobody can tell but by the clock. */
import assert from 'node:assert/strict';
import test from 'node:test';
import {
  type Explanation,
  InvalidOptionError,
  type MapOptions,
  Pool,
  PoolClosedError,
  task,
  transfer,
} from 'simul';
import { poolTest } from './support.js';

type Failure = Error & { readonly task: { readonly worker: number; readonly index: number } };

const MANY = 300_000;
const range = (n: number): number[] => Array.from({ length: n }, (_, i) => i);
const numbers = range(MANY);
const cheap = (x: number): number => Math.sqrt(x) * 1.5;

async function explained<T, R>(
  pool: Pool,
  items: Iterable<T>,
  fn: (item: T, index: number) => R,
  options: MapOptions = {},
): Promise<{ results: unknown[]; report: Explanation }> {
  let report: Explanation | undefined;
  const results = await pool.map(items, fn, {
    ...options,
    explain: (told) => {
      assert.equal(report, undefined, 'told once');
      report = told;
    },
  });
  return { results, report: report! };
}

poolTest('cheap calls run here once a worker has timed some, with the same results', {}, async (pool) => {
  const { results, report } = await explained(pool, numbers, cheap);
  assert.deepEqual(results, numbers.map(cheap));
  assert.ok(report.inlined > 0 && report.inlined < MANY, JSON.stringify(report));
  assert.equal(report.items, MANY);
  assert.equal(report.workers, 2);
  assert.ok(report.cost! > 0 && report.elapsed > 0 && report.speedup! > 0, JSON.stringify(report));
  assert.ok(
    report.chunks.count > 0 && report.chunks.smallest <= report.chunks.largest,
    JSON.stringify(report),
  );
  assert.match(report.reason, /here/);
  assert.equal(pool.stats().done, MANY);
  const shipped = await explained(pool, numbers, cheap, { inline: false });
  assert.deepEqual(shipped.results, results);
  assert.equal(shipped.report.inlined, 0);
  assert.ok(shipped.report.shipping! > 0, JSON.stringify(shipped.report));
  assert.match(shipped.report.reason, /inline/);
});

poolTest('whatever the input and the way of reading', {}, async (pool) => {
  const wanted = numbers.map(cheap);
  const typed = new Float64Array(numbers);
  assert.deepEqual((await explained(pool, typed, cheap)).results, wanted);
  assert.deepEqual((await explained(pool, new Set(numbers), cheap)).results, wanted);
  const streamed: number[] = [];
  for await (const each of pool.stream(numbers.values(), cheap)) streamed.push(each);
  assert.deepEqual(streamed, wanted);
  let report: Explanation | undefined;
  await pool.forEach(numbers, cheap, {
    explain: (told) => {
      report = told;
    },
  });
  assert.ok(report!.inlined > 0, JSON.stringify(report));
  const sum = async function* () {
    for (let i = 0; i < 20_000; i++) yield i;
  };
  assert.deepEqual(await pool.map(sum(), cheap), wanted.slice(0, 20_000));
});

poolTest('what runs here works on copies, and so does whoever gets the results', {}, async (pool) => {
  const table = { low: 1, rows: [1, 2, 3] };
  const shared = await explained(pool, numbers, (x) => (x % 2 === 0 ? table : x));
  const even = shared.results.filter((each) => typeof each === 'object');
  assert.equal(new Set(even).size, even.length, 'a copy each');
  assert.deepEqual(even[even.length - 1], table);
  const rows = range(20_000).map((id) => ({ id, tags: ['a', { deep: id }] }));
  const { results } = await explained(pool, rows, (row) => [row, row.tags] as const);
  assert.deepEqual(
    results,
    rows.map((row) => [row, row.tags]),
  );
  for (const [i, each] of (results as [object, object][]).entries()) {
    assert.notEqual(each[0], rows[i]);
    assert.notEqual(each[1], rows[i]!.tags);
  }
});

poolTest(
  'an input that gives the same object again and again is read as it was each time',
  {},
  async (pool) => {
    function* changing(): Generator<{ n: number }> {
      const row = { n: 0 };
      for (; row.n < 20_000; row.n++) yield row;
    }
    assert.deepEqual(
      (await explained(pool, changing(), (row) => row.n + 1)).results,
      range(20_000).map((n) => n + 1),
    );
  },
);

poolTest('items of many kinds side by side', {}, async (pool) => {
  const kinds = [
    1,
    'two',
    null,
    undefined,
    true,
    5n,
    [6],
    { seven: 7 },
    -0,
    Number.NaN,
    new Map([[1, 2]]),
    'é\u{1f600}',
  ];
  const items = range(40_000).map((i) => kinds[i % kinds.length]);
  const { results } = await explained(pool, items, (x) => x);
  assert.deepEqual(results, items);
});

let moduleState = 1;
moduleState += 1;
const down = (n: number): number => (n <= 0 ? 0 : down(n - 1));

poolTest('a function that exits, reads module state, loops or might is never run here', {}, async (pool) => {
  const fns: ((x: number) => unknown)[] = [
    (x) => (x === -1 ? process.exit(3) : x),
    (x) => x + moduleState,
    (x) => {
      let sum = 0;
      for (let i = 0; i < 3; i++) sum += x;
      return sum;
    },
    (x) => down(x % 3),
    (x) => [x].map((each) => each + 1)[0],
    (x) => x + Math.random() * 0,
    (x) => (performance.now() > 0 ? x : 0),
    (x) => (task().worker >= 0 ? x : -1),
  ];
  for (const fn of fns) {
    const { report } = await explained(pool, numbers.slice(0, 60_000), fn);
    assert.equal(report.inlined, 0, fn.toString());
    assert.match(report.reason, /not light|worth shipping/, fn.toString());
  }
  // In workers, and there only.
  const threads = await pool.map(numbers.slice(0, 60_000), () => task().worker);
  assert.ok(threads.every((worker) => worker >= 0));
});

poolTest('options that need a worker keep calls there', {}, async (pool) => {
  const { signal } = new AbortController();
  const options: [MapOptions, RegExp][] = [
    [{ inline: false }, /inline/],
    [{ chunk: 500 }, /chunk/],
    [{ timeout: 10_000 }, /timeout/],
    [{ queueTimeout: 60_000 }, /queueTimeout/],
    [{ deadline: 60_000 }, /deadline/],
    [{ signal }, /signal/],
    [{ retries: 1 }, /retries/],
  ];
  for (const [each, reason] of options) {
    const { report } = await explained(pool, numbers.slice(0, 20_000), cheap, each);
    assert.equal(report.inlined, 0, JSON.stringify(each));
    assert.match(report.reason, reason);
  }
  const one = await explained(pool.worker(1), numbers.slice(0, 20_000), cheap);
  assert.equal(one.report.inlined, 0);
  const nested = await pool.run(async () => {
    let reason = '';
    const { pool: inner } = await import('simul');
    const results = await inner().map([1, 4], (x) => Math.sqrt(x), {
      explain: (told) => {
        reason = told.reason;
      },
    });
    return [results, reason] as const;
  });
  assert.deepEqual(nested[0], [1, 2]);
  assert.match(nested[1], /in a task/);
  await assert.rejects(pool.map([1], cheap, { inline: true as never }), InvalidOptionError);
});

poolTest('nor does anything run here where workers have an init', { init: () => {} }, async (pool) => {
  const { report } = await explained(pool, numbers, cheap);
  assert.equal(report.inlined, 0);
  assert.match(report.reason, /init/);
});

poolTest('an item that fails is an item of a worker', {}, async (pool) => {
  const picky = (x: number): number => {
    if (x === 250_000 || x === 270_001) throw { failed: x };
    return x;
  };
  let report: Explanation | undefined;
  const failure = await pool
    .map(numbers, picky, {
      explain: (told) => {
        report = told;
      },
    })
    .then(
      () => undefined,
      (error: unknown) => error,
    );
  // Which of the two is told first is up to the workers.
  assert.ok([250_000, 270_001].includes((failure as { failed: number }).failed), String(failure));
  assert.ok(report!.inlined > 0, JSON.stringify(report));
  const settled = await pool.map(numbers, picky, { onError: 'settle' });
  assert.equal(settled.length, MANY);
  assert.deepEqual(settled[270_001], { status: 'rejected', reason: { failed: 270_001 } });
  assert.deepEqual(settled[270_002], { status: 'fulfilled', value: 270_002 });
  assert.equal(settled.filter(({ status }) => status === 'rejected').length, 2);
  const text = (x: number | string): string => (x as string).slice(0, 1);
  const error = await pool
    .map([...range(50_000).map(String), 7], text)
    .catch((thrown: unknown) => thrown as Failure);
  assert.equal((error as Failure).name, 'TypeError');
  assert.equal((error as Failure).task.index, 50_000);
  assert.ok((error as Failure).task.worker >= 0);
});

poolTest('the event loop has its turns meanwhile', {}, async (pool) => {
  let turns = 0;
  let on = true;
  const turn = (): void => {
    turns += 1;
    if (on) setImmediate(turn);
  };
  setImmediate(turn);
  const { report } = await explained(pool, range(3_000_000), cheap);
  on = false;
  assert.ok(report.inlined > 1_000_000, JSON.stringify(report));
  // A block more than a slice, and what the machine does beside.
  assert.ok(turns > report.elapsed / 25, `${turns} turns in ${report.elapsed} ms`);
});

test('terminate ends what runs here; close waits for it', async () => {
  const items = range(3_000_000);
  const pool = new Pool({ workers: 2 });
  const progress: number[] = [];
  const running = pool.map(items, cheap, {
    onProgress: ({ done }) => {
      progress.push(done);
      if (done > 10_000 && done < items.length) void pool.terminate();
    },
  });
  await assert.rejects(running, PoolClosedError);
  assert.ok(progress.every((done, i) => i === 0 || done >= progress[i - 1]!));
  const other = new Pool({ workers: 2 });
  const all = other.map(items, cheap);
  await other.close();
  assert.equal((await all).length, items.length);
});

poolTest('a reader that leaves, or is slow, holds it up', {}, async (pool) => {
  let read = 0;
  function* counted(): Generator<number> {
    for (;;) yield read++;
  }
  let seen = 0;
  for await (const each of pool.stream(counted(), cheap, { window: 1000 })) {
    assert.equal(each, cheap(seen));
    seen += 1;
    assert.ok(read - seen <= 1000, `${read} read, ${seen} seen`);
    if (seen === 50_000) break;
  }
  const before = read;
  // What runs here has its turns with the event loop, and what is sent comes back before a later call does.
  for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setImmediate(resolve));
  await pool.each(() => {});
  assert.equal(read, before);
});

poolTest('what `explain` throws is the operation’s failure', {}, async (pool) => {
  const thrown = new Error('from explain');
  await assert.rejects(
    pool.map([1, 2], cheap, {
      explain: () => {
        throw thrown;
      },
    }),
    thrown,
  );
});

poolTest('captures are read when the call is made', {}, async (pool) => {
  const table = { rate: 1 };
  const rows = [1, 2, 3];
  const running = explained(pool, numbers, (x) => (x % 2 === 0 ? table.rate : rows[0]!));
  table.rate = 2;
  rows[0] = 2;
  const { results, report } = await running;
  assert.ok(report.inlined > 0, JSON.stringify(report));
  assert.deepEqual(new Set(results), new Set([1]));
});

poolTest('what is moved, or read by a getter, goes once', {}, async (pool) => {
  let reads = 0;
  const items: unknown[] = [...numbers.slice(0, 60_000)];
  for (let i = 0; i < 300; i++) {
    items.push({
      get value() {
        reads += 1;
        return i;
      },
    });
  }
  for (let i = 0; i < 5; i++) items.push(transfer(new Uint8Array([1, 2, 3])));
  const sizeOf = (x: unknown): unknown => {
    if (x === 59_999) throw 'refused';
    return (x as Uint8Array).length ?? (x as { value?: number }).value ?? x;
  };
  const results = await pool.map(items, sizeOf, { onError: 'settle' });
  assert.equal(reads, 300);
  assert.deepEqual(results[59_999], { status: 'rejected', reason: 'refused' });
  for (const each of results.slice(-5)) assert.deepEqual(each, { status: 'fulfilled', value: 3 });
});

poolTest('lists of classes of their own are read by their elements', {}, async (pool) => {
  let made = 0;
  class Column extends Array<number> {
    constructor() {
      super();
      made += 1;
    }
  }
  const column = new Column();
  for (const each of range(60_000)) column.push(each);
  const { results } = await explained(pool, column, cheap);
  assert.equal(made, 1);
  assert.deepEqual(results, range(60_000).map(cheap));
});

poolTest('nothing runs here in a program that has changed the language’s own objects', {}, async (pool) => {
  Object.defineProperty(String.prototype, 'first', { get: () => 'here', configurable: true });
  try {
    const { results, report } = await explained(
      pool,
      numbers.map(String),
      (text) => (text as unknown as { first?: string }).first,
    );
    assert.equal(report.inlined, 0);
    assert.match(report.reason, /changed/);
    assert.deepEqual(new Set(results), new Set([undefined]));
  } finally {
    Reflect.deleteProperty(String.prototype, 'first');
  }
});

poolTest('long texts and large objects are for workers', {}, async (pool) => {
  const long = 'x'.repeat(20_000);
  const items = [...numbers.slice(0, 60_000).map(String), ...range(200).map((i) => long + i)];
  const { results, report } = await explained(pool, items, (text) => text.toUpperCase());
  assert.ok(report.inlined > 0 && report.inlined <= 60_000, JSON.stringify(report));
  assert.deepEqual(
    results,
    items.map((text) => text.toUpperCase()),
  );
});

poolTest('where most items fail here, workers have them all', {}, async (pool) => {
  class Point {
    constructor(readonly x: number) {}
  }
  const points = range(40_000).map((x) => new Point(x));
  const { results, report } = await explained(pool, points, (point) => point.x);
  assert.deepEqual(results, range(40_000));
  assert.equal(report.inlined, 0);
  assert.match(report.reason, /worker|ship/);
});

poolTest('workers with flags of their own may differ', { execArgv: ['--no-warnings'] }, async (pool) => {
  const { report } = await explained(pool, numbers, cheap);
  assert.equal(report.inlined, 0);
  assert.match(report.reason, /execArgv/);
});

poolTest('a stream that is left early is explained', {}, async (pool) => {
  const reports: Explanation[] = [];
  for await (const each of pool.stream(numbers, cheap, { explain: (told) => void reports.push(told) })) {
    if (each > 100) break;
  }
  assert.equal(reports.length, 1);
});

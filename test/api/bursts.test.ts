/** Calls made in one go travel together; each is still a task of its own. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { PoolClosedError, QueueFullError, TaskTimeoutError, task, WorkerCrashedError } from 'simul';
import { poolTest, script, until, warm, within } from './support.js';

const double = (x: number): number => x * 2;

poolTest('each call gets its own result, whatever is around it', {}, async (pool) => {
  const odd = (x: number): number => {
    if (x % 7 === 3) throw new RangeError(`no ${x}`);
    return x * 3;
  };
  for (let round = 0; round < 4; round++) {
    const calls = Array.from({ length: 1000 }, (_, i) => pool.run(i % 100 < 50 ? double : odd, i));
    const results = await Promise.allSettled(calls);
    for (const [i, result] of results.entries()) {
      if (i % 100 < 50) assert.deepEqual(result, { status: 'fulfilled', value: i * 2 });
      else if (i % 7 !== 3) assert.deepEqual(result, { status: 'fulfilled', value: i * 3 });
      else {
        assert.ok(result.status === 'rejected' && result.reason instanceof RangeError);
        assert.equal(result.reason.message, `no ${i}`);
        assert.equal((result.reason as { task?: { id: string } }).task?.id, calls[i]!.id);
      }
    }
  }
});

poolTest('a task is told the id that its future has, and no index', {}, async (pool) => {
  const about = (): [string, number, number] => [task().id, task().index, task().attempt];
  for (let round = 0; round < 4; round++) {
    const calls = Array.from({ length: 300 }, () => pool.run(about));
    const ids = new Set<string>();
    for (const call of calls) {
      assert.deepEqual(await call, [call.id, 0, 1]);
      ids.add(call.id);
    }
    assert.equal(ids.size, 300);
  }
});

poolTest('random numbers of a task are its own', {}, async (pool) => {
  const draw = (): number => task().random();
  await warm(pool, draw);
  const drawn = await Promise.all(Array.from({ length: 500 }, () => pool.run(draw)));
  assert.equal(new Set(drawn).size, 500);
});

poolTest('calls that wait for each other run on workers of their own', { workers: 2 }, async (pool) => {
  const gate = new Int32Array(new SharedArrayBuffer(4));
  // Cheap when it is measured, so that calls are sent many at a time; then two of them have to meet.
  const meet = (words: Int32Array, parties: number): number => {
    Atomics.add(words, 0, 1);
    Atomics.notify(words, 0);
    for (let seen = Atomics.load(words, 0); seen < parties; seen = Atomics.load(words, 0)) {
      Atomics.wait(words, 0, seen, 1000);
    }
    return parties;
  };
  for (let round = 0; round < 200; round++) await pool.run(meet, gate, 1);
  for (let round = 0; round < 20; round++) {
    Atomics.store(gate, 0, 0);
    const two = [pool.run(meet, gate, 2), pool.run(meet, gate, 2)];
    assert.deepEqual(await within(5000, Promise.all(two), 'the meeting'), [2, 2]);
  }
});

poolTest('what waits behind a slow call of the same burst goes to the other worker', {}, async (pool) => {
  const gate = new Int32Array(new SharedArrayBuffer(4));
  const slowAt = (x: number): number => {
    if (x >= 0) return x;
    return -x;
  };
  await warm(pool, slowAt);
  const words = gate;
  const hold = (value: number, shared: Int32Array): number => {
    if (value === 0) Atomics.wait(shared, 0, 0, 20_000);
    return value;
  };
  for (let round = 0; round < 3; round++) {
    await Promise.all(Array.from({ length: 64 }, (_, i) => pool.run(hold, i + 1, words)));
  }
  const calls = Array.from({ length: 64 }, (_, i) => pool.run(hold, i, words));
  await within(5000, Promise.all(calls.slice(1)), 'the others');
  assert.equal(calls[0]!.state, 'running');
  Atomics.store(gate, 0, 1);
  Atomics.notify(gate, 0);
  assert.equal(await calls[0], 0);
});

const marks = new Int32Array(new SharedArrayBuffer(4 * 64));
const marking = {
  workers: 1,
  init: (): void => {
    (globalThis as { marks?: Int32Array }).marks = marks;
  },
};

poolTest('cancelling one of many: before it is sent, and while it waits', marking, async (pool) => {
  const mark = (at: number): number => {
    Atomics.add((globalThis as unknown as { marks: Int32Array }).marks, at, 1);
    return at;
  };
  const hold = (): void => {
    Atomics.wait((globalThis as unknown as { marks: Int32Array }).marks, 63, 0, 20_000);
  };
  for (let round = 0; round < 3; round++) {
    await Promise.all(Array.from({ length: 32 }, () => pool.run(mark, 62)));
  }
  const reason = new Error('not this one');
  // What is a millisecond old is sent: then there was nothing left to cancel before that.
  let cancelled = 3;
  for (let took = Number.POSITIVE_INFINITY; took >= 1; cancelled++) {
    Atomics.store(marks, 5, 0);
    const begun = performance.now();
    const calls = Array.from({ length: 32 }, (_, i) => pool.run(mark, i));
    assert.equal(calls[5]!.cancel(reason), true);
    took = performance.now() - begun;
    assert.equal(calls[5]!.cancel(reason), false);
    await assert.rejects(calls[5]!, reason);
    const others = Array.from({ length: 32 }, (_, i) => i).filter((i) => i !== 5);
    assert.deepEqual(await Promise.all(others.map((i) => calls[i])), others);
  }
  const blocked = pool.run(hold);
  await until(() => blocked.state === 'running', 'the blocker runs');
  const waiting = Array.from({ length: 8 }, (_, i) => pool.run(mark, 40 + i));
  await new Promise((resolve) => setImmediate(resolve));
  for (const i of [0, 3, 7]) waiting[i]!.cancel(reason);
  Atomics.store(marks, 63, 1);
  Atomics.notify(marks, 63);
  const settled = await Promise.allSettled(waiting);
  const expected = [false, true, true, false, true, true, true, false];
  assert.deepEqual(
    settled.map(({ status }) => status === 'fulfilled'),
    expected,
  );
  await blocked;
  assert.equal(marks[5], 0, 'what was cancelled before it was sent never ran');
  assert.deepEqual(
    [40, 41, 42, 43, 44, 45, 46, 47].map((i) => marks[i] === 1),
    expected,
  );
  const { queued, running, failed } = pool.stats();
  assert.deepEqual([queued, running, failed], [0, 0, cancelled]);
});

poolTest('one that runs is stopped, and those around it are not', { workers: 1 }, async (pool) => {
  const spin = (words: Int32Array, at: number): number => {
    if (words[at] === 1) for (;;) if (task().signal.aborted) throw task().signal.reason;
    return at;
  };
  const flags = new Int32Array(new SharedArrayBuffer(4 * 32));
  for (let round = 0; round < 3; round++) {
    await Promise.all(Array.from({ length: 32 }, (_, i) => pool.run(spin, flags, i)));
  }
  flags[7] = 1;
  const calls = Array.from({ length: 32 }, (_, i) => pool.run(spin, flags, i));
  await until(() => calls[7]!.state === 'running', 'it spins');
  calls[7]!.cancel();
  const settled = await within(5000, Promise.allSettled(calls), 'the rest');
  assert.deepEqual(settled.map(({ status }) => status).filter((status) => status === 'rejected').length, 1);
});

poolTest('a worker that dies takes the call with it that ran, and no other', { workers: 2 }, async (pool) => {
  const words = new Int32Array(new SharedArrayBuffer(4 * 128));
  const deadly = (shared: Int32Array, at: number, dies: boolean): number => {
    Atomics.add(shared, at, 1);
    if (dies) process.exit(3);
    return at;
  };
  for (let round = 0; round < 3; round++) {
    await Promise.all(Array.from({ length: 64 }, () => pool.run(deadly, words, 127, false)));
  }
  const calls = Array.from({ length: 100 }, (_, i) => pool.run(deadly, words, i, i === 41));
  const settled = await within(10_000, Promise.allSettled(calls), 'all of them');
  for (const [i, result] of settled.entries()) {
    assert.equal(words[i], 1, `call ${i} ran once`);
    if (i !== 41) assert.deepEqual(result, { status: 'fulfilled', value: i });
    else {
      assert.ok(result.status === 'rejected' && result.reason instanceof WorkerCrashedError);
      assert.equal((result.reason as { task?: { id: string } }).task?.id, calls[41]!.id);
    }
  }
});

poolTest('retries concern one call', { workers: 2 }, async (pool) => {
  const words = new Int32Array(new SharedArrayBuffer(4 * 128));
  const flaky = (shared: Int32Array, at: number): number => {
    if (Atomics.add(shared, at, 1) === 0 && at % 10 === 4) throw new Error('once');
    return task().attempt;
  };
  const patient = pool.with({ retries: 2 });
  const attempts = await Promise.all(Array.from({ length: 100 }, (_, i) => patient.run(flaky, words, i)));
  for (const [i, attempt] of attempts.entries()) assert.equal(attempt, i % 10 === 4 ? 2 : 1);
  assert.equal(pool.stats().retried, 10);
});

poolTest('a timeout concerns one call', { workers: 2 }, async (pool) => {
  const hold = (words: Int32Array, at: number): number => {
    if (words[at] === 1) for (;;);
    return at;
  };
  const flags = new Int32Array(new SharedArrayBuffer(4 * 64));
  const limited = pool.with({ timeout: 300, grace: 10 });
  for (let round = 0; round < 3; round++) {
    await Promise.all(Array.from({ length: 64 }, (_, i) => limited.run(hold, flags, i)));
  }
  flags[20] = 1;
  const settled = await Promise.allSettled(Array.from({ length: 64 }, (_, i) => limited.run(hold, flags, i)));
  for (const [i, result] of settled.entries()) {
    if (i !== 20) assert.deepEqual(result, { status: 'fulfilled', value: i });
    else assert.ok(result.status === 'rejected' && result.reason instanceof TaskTimeoutError);
  }
});

poolTest('a result that came while this thread was busy is no timeout', { workers: 1 }, async (pool) => {
  const limited = pool.with({ timeout: 200 });
  await limited.run(double, 1);
  const call = limited.run(double, 21);
  await new Promise((resolve) => process.nextTick(resolve));
  const until = performance.now() + 600;
  while (performance.now() < until);
  assert.equal(await call, 42);
});

poolTest('one signal for all of them, also before they are sent', { workers: 1 }, async (pool) => {
  const controller = new AbortController();
  const view = pool.with({ signal: controller.signal });
  const calls = Array.from({ length: 20 }, (_, i) => view.run(double, i));
  controller.abort(new Error('enough'));
  const settled = await Promise.allSettled(calls);
  assert.ok(settled.every((result) => result.status === 'rejected' && result.reason.message === 'enough'));
  await assert.rejects(view.run(double, 1), /enough/);
});

poolTest(
  'the queue limit counts calls that were not sent yet',
  { workers: 1, queueLimit: 3 },
  async (pool) => {
    const calls = Array.from({ length: 8 }, (_, i) => pool.run(double, i));
    const settled = await Promise.allSettled(calls);
    assert.deepEqual(
      settled.map(({ status }) => status),
      [...new Array(4).fill('fulfilled'), ...new Array(4).fill('rejected')],
    );
    assert.ok((settled[7] as PromiseRejectedResult).reason instanceof QueueFullError);
  },
);

poolTest('an argument that cannot travel fails its own call', {}, async (pool) => {
  const echo = (x: unknown): unknown => x;
  const calls = [pool.run(echo, 1), pool.run(echo, new WeakMap()), pool.run(echo, 'three')];
  const settled = await Promise.allSettled(calls);
  assert.deepEqual(settled[0], { status: 'fulfilled', value: 1 });
  assert.match(String((settled[1] as PromiseRejectedResult).reason), /args → \[0\].*WeakMap/);
  assert.deepEqual(settled[2], { status: 'fulfilled', value: 'three' });
});

poolTest('large arguments and results among small ones', {}, async (pool) => {
  const sum = (x: number | Float64Array): number =>
    typeof x === 'number' ? x : x.reduce((a, b) => a + b, 0);
  const grow = (x: number): Float64Array | number => (x % 5 === 0 ? new Float64Array(20_000).fill(x) : x);
  for (let round = 0; round < 3; round++) {
    const sums = Array.from({ length: 60 }, (_, i) =>
      pool.run(sum, i % 6 ? i : new Float64Array(20_000).fill(i)),
    );
    assert.deepEqual(
      await Promise.all(sums),
      sums.map((_, i) => (i % 6 ? i : i * 20_000)),
    );
    const grown = await Promise.all(Array.from({ length: 60 }, (_, i) => pool.run(grow, i)));
    for (const [i, value] of grown.entries()) {
      if (typeof value === 'number') assert.equal(value, i);
      else assert.deepEqual([value.length, value[0], value[19_999]], [20_000, i, i]);
    }
  }
});

poolTest('functions keep nothing from one call for another', { workers: 1 }, async (pool) => {
  const settings = { seen: 0 };
  const capturing = (): number => ++settings.seen;
  const helper = Object.assign((x: number): number => x, { calls: 0 });
  const usesHelper = (): number => {
    helper.calls += 1;
    return helper(helper.calls);
  };
  const behindComment = new Function(
    'return function/* how often */counted() { counted.n = (counted.n ?? 0) + 1; return counted.n; }',
  )() as () => number;
  const made = function* (): Generator<number> {
    yield 1;
  };
  const throughPrototype = (): number => {
    const shared = Object.getPrototypeOf(made()) as { n?: number };
    shared.n = (shared.n ?? 0) + 1;
    return shared.n;
  };
  const onItself = function counter(): number {
    const me = counter as { calls?: number };
    me.calls = (me.calls ?? 0) + 1;
    return me.calls;
  };
  class Box {
    static made = 0;
    constructor() {
      Box.made += 1;
    }
  }
  const makesBox = (): number => {
    new Box();
    return Box.made;
  };
  const unboxes = (box: { constructor: Function }): number => {
    const type = box.constructor as unknown as typeof Box;
    type.made += 1;
    return type.made;
  };
  const box = new Box();
  for (const fn of [capturing, usesHelper, behindComment, throughPrototype, onItself, makesBox]) {
    const before = fn === makesBox ? Box.made + 1 : 1;
    for (let round = 0; round < 3; round++) {
      const seen = await Promise.all(Array.from({ length: 16 }, () => pool.run(fn)));
      assert.deepEqual(seen, new Array(16).fill(before), fn.name);
    }
  }
  for (let round = 0; round < 3; round++) {
    const seen = await Promise.all(Array.from({ length: 16 }, () => pool.run(unboxes, box)));
    assert.deepEqual(seen, new Array(16).fill(2));
  }
  const fib = (n: number): number => (n < 2 ? n : fib(n - 1) + fib(n - 2));
  assert.deepEqual(await Promise.all([10, 11, 12].map((n) => pool.run(fib, n))), [55, 89, 144]);
});

poolTest('captures are read when the call is made', { workers: 1 }, async (pool) => {
  let factor = 1;
  const state = { offset: 0 };
  const calls: Promise<number>[] = [];
  for (; factor <= 20; factor++) {
    state.offset = factor * 100;
    calls.push(pool.run((x: number) => x * factor + state.offset, 2));
  }
  assert.deepEqual(
    await Promise.all(calls),
    Array.from({ length: 20 }, (_, i) => 2 * (i + 1) + 100 * (i + 1)),
  );
});

poolTest('calls keep their place before what is asked later', { workers: 1 }, async (pool) => {
  const log = new Int32Array(new SharedArrayBuffer(4 * 64));
  const note = (words: Int32Array, what: number): void => {
    words[1 + Atomics.add(words, 0, 1)] = what;
  };
  await pool.run(note, new Int32Array(new SharedArrayBuffer(64)), 0);
  const all: PromiseLike<unknown>[] = [];
  all.push(pool.run(note, log, 1), pool.run(note, log, 2));
  all.push(pool.map([3], (what) => note(log, what)));
  all.push(pool.with({ name: 'other' }).run(note, log, 4));
  all.push(pool.run(note, log, 5));
  await Promise.all(all);
  assert.deepEqual([...log.subarray(1, 6)], [1, 2, 3, 4, 5]);
});

poolTest('generators in a burst, read one after the other', {}, async (pool) => {
  function* count(to: number): Generator<number> {
    for (let i = 0; i < to; i++) yield i;
  }
  for (let round = 0; round < 3; round++) {
    const streams = Array.from({ length: 6 }, (_, i) => pool.run(count, 100 + i));
    for (const i of streams.keys()) {
      const seen: number[] = [];
      for await (const value of streams[i]!) seen.push(value);
      assert.equal(seen.length, 100 + i);
    }
  }
});

poolTest('close right after the calls finishes them, terminate fails them', {}, async (pool) => {
  const calls = Array.from({ length: 10 }, (_, i) => pool.run(double, i));
  const closing = pool.close();
  await assert.rejects(pool.run(double, 1), PoolClosedError);
  assert.deepEqual(
    await Promise.all(calls),
    calls.map((_, i) => i * 2),
  );
  await closing;
});

poolTest('terminate right after the calls', {}, async (pool) => {
  const settled = Promise.allSettled(Array.from({ length: 10 }, (_, i) => pool.run(double, i)));
  await pool.terminate();
  for (const result of await settled) {
    assert.ok(result.status === 'rejected' && result.reason instanceof PoolClosedError);
  }
});

poolTest('stats count calls that were not sent yet', { workers: 1 }, async (pool) => {
  const calls = Array.from({ length: 10 }, (_, i) => pool.run(double, i));
  const { queued, running } = pool.stats();
  assert.equal(queued + running, 10);
  await Promise.all(calls);
  assert.equal(pool.stats().done, 10);
});

test('a future that is kept keeps no results of those that were called with it', {
  timeout: 30_000,
}, async () => {
  const { code, stdout, stderr } = await script(
    `import { Pool } from 'simul';
     const pool = new Pool({ workers: 1 });
     const make = (n) => new Float64Array(n).fill(1).join();
     const kept = [];
     for (let round = 0; round < 20; round++) {
       const calls = Array.from({ length: 50 }, (_, i) => pool.run(make, i === 0 ? 1 : 20000));
       await Promise.all(calls);
       kept.push(calls[0]);
     }
     await pool.close();
     gc();
     await new Promise((resolve) => setImmediate(resolve));
     gc();
     // Each round made 2 MB of text.
     console.log(Math.round(process.memoryUsage().heapUsed / 2 ** 20), kept.length);`,
    ['--expose-gc'],
  );
  assert.equal(code, 0, stderr);
  const [heap] = stdout.split(' ').map(Number);
  assert.ok(heap! < 20, `${heap} MB are left`);
});

test('what ran once is let go of', { timeout: 30_000 }, async () => {
  const { code, stdout, stderr } = await script(
    `import { Pool } from 'simul';
     const pool = new Pool({ workers: 1 });
     for (let i = 0; i < 60; i++) {
       const text = String(i).padEnd(2 ** 20, 'x');
       const size = () => text.length;
       await pool.run(size);
       await pool.run(size);
     }
     gc();
     await new Promise((resolve) => setImmediate(resolve));
     gc();
     console.log(Math.round(process.memoryUsage().heapUsed / 2 ** 20));
     await pool.close();`,
    ['--expose-gc'],
  );
  assert.equal(code, 0, stderr);
  assert.ok(Number(stdout) < 30, `${stdout} MB are left`);
});

test('a call in flight keeps little more alive than its promise', { timeout: 30_000 }, async (t) => {
  // What is alive is what the collector has to move, and so how long it stops this thread.
  const { code, stdout, stderr } = await script(
    `import { setImmediate as turn } from 'node:timers/promises';
     import { Pool } from 'simul';
     const count = 50_000;
     const next = (n) => n + 1;
     const told = () => {};
     async function bytesOf(make) {
       for (let n = 0; n < 500; n++) make(n).then(told);
       gc();
       const { heapUsed, arrayBuffers } = process.memoryUsage();
       for (let n = 0; n < count; n++) {
         make(n).then(told);
         if (n % 250 === 0) await turn();
       }
       gc();
       const now = process.memoryUsage();
       return (now.heapUsed - heapUsed + now.arrayBuffers - arrayBuffers) / count;
     }
     const settles = [];
     const bare = await bytesOf(() => new Promise((resolve) => settles.push(resolve)));
     const pool = new Pool({ workers: 1 });
     for (let n = 0; n < 1000; n++) await pool.run(next, n);
     const gate = new Int32Array(new SharedArrayBuffer(4));
     const held = pool.run(() => void Atomics.wait(gate, 0, 0));
     const calls = await bytesOf((n) => pool.run(next, n));
     Atomics.store(gate, 0, 1);
     Atomics.notify(gate, 0);
     await held;
     await pool.close();
     console.log(bare, calls);`,
    ['--expose-gc'],
  );
  assert.equal(code, 0, stderr);
  const [bare, calls] = stdout.split(' ').map(Number);
  t.diagnostic(`${bare!.toFixed(0)} bytes for a promise, ${calls!.toFixed(0)} for a call`);
  assert.ok(calls! < 1.8 * bare!, `${bare} bytes for a promise, ${calls} for a call`);
});

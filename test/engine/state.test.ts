/** The state machine alone, under random events: no item is lost, told twice, or run twice. */
import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import type { Place } from '#simul/engine/local/place.js';
import { Model } from './model.js';

const step = fc.oneof(
  { weight: 3, arbitrary: fc.constant('submit' as const) },
  { weight: 2, arbitrary: fc.constant('calls' as const) },
  { weight: 2, arbitrary: fc.constant('skip' as const) },
  { weight: 1, arbitrary: fc.constant('pin' as const) },
  { weight: 1, arbitrary: fc.constant('expect' as const) },
  { weight: 8, arbitrary: fc.constant('take' as const) },
  { weight: 8, arbitrary: fc.constant('finish' as const) },
  { weight: 4, arbitrary: fc.constant('ready' as const) },
  { weight: 3, arbitrary: fc.constant('nest' as const) },
  { weight: 1, arbitrary: fc.constant('cancel' as const) },
  { weight: 2, arbitrary: fc.constant('kill' as const) },
  { weight: 1, arbitrary: fc.constant('retire' as const) },
  { weight: 1, arbitrary: fc.constant('release' as const) },
  { weight: 1, arbitrary: fc.constant('renew' as const) },
  { weight: 1, arbitrary: fc.constant('spares' as const) },
  { weight: 2, arbitrary: fc.constant('time' as const) },
);
const event = fc.record({ what: step, n: fc.nat(23), m: fc.integer({ min: 1, max: 9 }) });

function play(model: Model, { what, n, m }: { what: string; n: number; m: number }): void {
  const { state, threads, groups } = model;
  const thread = threads[n % Math.max(1, threads.length)];
  const run = thread?.runs[m % Math.max(1, thread.runs.length)];
  if (what === 'submit') model.submit({ count: m, priority: n % 3 });
  else if (what === 'pin') model.submit({ count: m, pinned: n % state.places.length, priority: n % 2 });
  else if (what === 'calls') model.submit({ count: 8 * m, priority: n % 2, calls: true });
  else if (what === 'expect') state.expect(m, n % 2 === 0 ? -1 : n % state.places.length);
  else if (what === 'skip') {
    const chosen = groups[n % Math.max(1, groups.length)];
    if (chosen !== undefined) model.skip(chosen.group, m);
  } else if (what === 'cancel') {
    const chosen = groups[n % Math.max(1, groups.length)];
    if (chosen !== undefined) model.cancel(chosen.group);
  } else if (what === 'time') {
    model.clock += m;
    state.dispatch();
  } else if (what === 'spares') state.keepSpares();
  else if (thread === undefined) return;
  else if (what === 'take') model.take(thread);
  else if (what === 'ready') model.ready(thread);
  else if (what === 'kill') model.kill(thread);
  else if (what === 'retire') state.retire(thread.place);
  else if (what === 'renew') state.renew(thread.place);
  else if (what === 'release') state.release(thread.place);
  else if (run === undefined) return;
  else if (what === 'finish') model.finish(thread, run);
  else model.nest(thread, run, 1 + (m % 3));
}

test('random events lose, double and forget nothing', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 4 }),
      fc.integer({ min: 1, max: 2 }),
      fc.constantFrom(1, 2, 3, 7, Number.POSITIVE_INFINITY),
      fc.constantFrom(2, 3, 5, Number.POSITIVE_INFINITY),
      fc.integer({ min: 0, max: 2 }),
      fc.array(event, { minLength: 10, maxLength: 150, size: 'max' }),
      (workers, tasksPerWorker, maxTasksPerWorker, slots, spares, events) => {
        const model = new Model({ workers, tasksPerWorker, maxTasksPerWorker, spares }, slots);
        for (const next of events) {
          play(model, next);
          model.check();
        }
        model.settle();
        model.checkAtRest();
        model.state.endReserve();
        assert.equal(model.reserve.length, 0, 'nobody is kept when no work comes');
      },
    ),
    { numRuns: 10_000 },
  );
});

const one = { workers: 1, tasksPerWorker: 1, maxTasksPerWorker: Number.POSITIVE_INFINITY, spares: 0 };

test('a job that kills every worker before it starts is given up; the jobs beside it run', () => {
  const model = new Model({ ...one, workers: 2 });
  for (let i = 0; i < 5; i++) model.submit({ count: 3 });
  const group = model.submit({ count: 2, poison: true });
  for (let i = 0; i < 5; i++) model.submit({ count: 3 });
  model.settle();
  model.checkAtRest();
  for (const { group: each, asked } of model.groups) {
    for (let item = 0; item < asked.count; item++) {
      assert.equal(model.told.get(`${each.spec.task}:${item}`), each === group ? 'deaths' : 'done');
    }
  }
});

test('calls of running tasks go before new tasks of the same priority', () => {
  const model = new Model(one);
  model.elapsed = 20;
  for (let i = 0; i < 20; i++) model.submit({ count: 1 });
  const [thread] = model.threads;
  model.ready(thread!);
  let most = 0;
  for (let i = 0; i < 20; i++) {
    model.take(thread!);
    const run = thread!.runs.at(-1);
    if (run?.job.group.depth === 0) model.nest(thread!, run, 1);
    most = Math.max(most, thread!.runs.length);
    for (const each of [...thread!.runs]) if (each.job.group.depth > 0) model.finish(thread!, each);
    for (const each of [...thread!.runs]) model.finish(thread!, each);
  }
  assert.ok(most <= 3, `${most} tasks had begun at a time`);
  model.settle();
  model.checkAtRest();
});

test('where every slot of every worker waits, a call more is refused, not kept', () => {
  const model = new Model(one, 3);
  model.submit({ count: 1 });
  const [thread] = model.threads;
  model.ready(thread!);
  for (let depth = 0; depth < 3; depth++) {
    model.take(thread!);
    model.nest(thread!, thread!.runs.at(-1)!, 1);
  }
  assert.equal(model.told.get('4:0'), 'slots');
  model.settle();
  model.checkAtRest();
});

test('workers that die at start: three times, then what waits is given up', () => {
  const model = new Model(one);
  model.submit({ count: 2 });
  for (let i = 0; i < 3; i++) {
    assert.equal(model.told.size, 0);
    model.kill(model.threads[0]!);
  }
  assert.deepEqual([...model.told.values()], ['starts', 'starts']);
  model.submit({ count: 1 });
  model.settle();
  assert.equal(model.told.get('2:0'), 'done');
});

test('a higher priority goes first, also past jobs that were sent ahead', () => {
  const model = new Model(one);
  const order: string[] = [];
  const note = (name: string, priority: number): void => {
    model.submit({ count: 1, priority, done: () => order.push(name) });
  };
  note('first', 0);
  model.ready(model.threads[0]!);
  model.take(model.threads[0]!);
  note('low', -1);
  note('plain', 0);
  note('high', 2);
  note('higher', 3);
  model.settle();
  assert.deepEqual(order, ['first', 'higher', 'high', 'plain', 'low']);
});

test('calls made in one go: one by one to every worker, then by their cost', () => {
  const model = new Model({ ...one, workers: 3 });
  model.elapsed = 0.02;
  model.submit({ count: 600, calls: true });
  assert.equal(model.threads.length, 3, 'a worker for each of them, as far as there are workers');
  for (const thread of model.threads) model.ready(thread);
  for (const { inbox } of model.threads) assert.ok(inbox.every((job) => job.count === 1));
  for (const thread of model.threads) {
    model.take(thread);
    model.finish(thread, thread.runs[0]!);
  }
  const sizes = model.threads.flatMap(({ inbox }) => inbox.map((job) => job.count));
  assert.ok(Math.max(...sizes) > 20, `pieces of ${sizes}`);
  model.settle();
  model.checkAtRest();
});

test('workers start for jobs that are expected: as many as there are places, and none where one is there', () => {
  const model = new Model({ ...one, workers: 3 }, 3);
  const { state, threads } = model;
  state.expect(2, -1);
  assert.equal(threads.length, 2);
  state.expect(3, -1);
  assert.equal(threads.length, 2);
  state.expect(1, 2);
  state.expect(1, 2);
  assert.equal(threads.length, 3);
  model.submit({ count: 1, priority: 0 });
  assert.equal(threads.length, 3);
  model.settle();
  model.checkAtRest();
});

test('deaths at start: starts come later and later, and a worker that has begun a task makes up for them', () => {
  const model = new Model({ ...one, workers: 2 });
  model.submit({ count: 1, pinned: 0 });
  model.kill(model.threads[0]!);
  model.kill(model.threads[0]!);
  assert.deepEqual(model.pauses, [0, 1, 2]);
  model.ready(model.threads[0]!);
  model.take(model.threads[0]!);
  // It had begun: that is the task's own matter.
  model.kill(model.threads[0]!);
  assert.deepEqual([...model.told.values()], ['lost']);
  model.submit({ count: 1, pinned: 0 });
  assert.deepEqual(model.pauses, [0, 1, 2, 0]);
  model.settle();
  model.checkAtRest();
});

test('one number that cannot start: what is pinned to it is given up, the others go on', () => {
  const model = new Model({ ...one, workers: 2 });
  model.submit({ count: 1, pinned: 1 });
  model.ready(model.threads[0]!);
  model.take(model.threads[0]!);
  model.submit({ count: 2, pinned: 0 });
  for (let i = 0; i < 3; i++) {
    assert.equal(model.told.size, 0);
    model.kill(model.threads.find(({ place }) => place.worker === 0)!);
  }
  assert.deepEqual(
    [...model.told],
    [
      ['2:0', 'starts'],
      ['2:1', 'starts'],
    ],
  );
  model.settle();
  model.checkAtRest();
});

test('a replacement starts before the last task, and takes over once that has begun', () => {
  const model = new Model({ ...one, maxTasksPerWorker: 3 });
  for (let i = 0; i < 12; i++) model.submit({ count: 1 });
  const seen: Place[] = [];
  while (model.told.size < 12) {
    const place = model.state.places[0];
    assert.ok(place !== undefined, 'there is a worker at all times');
    const thread = model.threads.find((each) => each.place === place)!;
    if (!seen.includes(place)) {
      if (seen.length > 0) assert.ok(place.fromReserve, 'it was started before it was needed');
      seen.push(place);
      if (place.phase === 'starting') model.ready(thread);
    }
    for (const each of model.reserve) model.ready(each);
    if (!model.take(thread)) assert.fail('a worker that is there has work');
    model.check();
    for (const run of [...thread.runs]) model.finish(thread, run);
  }
  assert.equal(seen.length, 4);
  model.settle();
  model.checkAtRest();
});

test('a worker that is to be renewed goes on until another one is ready', () => {
  const model = new Model(one);
  for (let i = 0; i < 4; i++) model.submit({ count: 1 });
  const [old] = model.threads;
  model.ready(old!);
  model.take(old!);
  model.state.renew(old!.place);
  assert.equal(model.reserve.length, 1);
  model.finish(old!, old!.runs[0]!);
  assert.ok(model.take(old!), 'it takes another task meanwhile');
  // The replacement dies: the old one goes on, the next one comes later.
  model.kill(model.reserve[0]!);
  assert.equal(model.state.places[0], old!.place);
  assert.deepEqual(model.pauses, [0, 0, 1]);
  const [next] = model.reserve;
  model.ready(next!);
  assert.equal(model.state.places[0], next!.place);
  assert.equal(old!.place.phase, 'retiring');
  assert.equal(old!.runs.length, 1, 'what runs there ends there');
  model.settle();
  model.checkAtRest();
  assert.ok([...model.told.values()].every((what) => what === 'done'));
});

test('a spare takes the place of a worker that dies, and the next one is asked for', () => {
  const model = new Model({ ...one, spares: 1 });
  assert.equal(model.state.lacksSpares, false, 'no work, no spare');
  model.submit({ count: 1 });
  assert.equal(model.state.lacksSpares, true);
  model.state.keepSpares();
  model.ready(model.threads[0]!);
  model.ready(model.reserve[0]!);
  const spare = model.reserve[0]!;
  model.submit({ count: 1 });
  model.take(model.threads[0]!);
  model.kill(model.threads[0]!);
  assert.equal(model.state.places[0], spare.place);
  assert.equal(spare.inbox.length, 1, 'it has the work at once');
  assert.equal(model.state.lacksSpares, true);
  model.settle();
  model.checkAtRest();
});

test('spares that die at start count for nothing, and come later and later', () => {
  const model = new Model({ ...one, spares: 1 });
  model.submit({ count: 1 });
  model.ready(model.threads[0]!);
  for (let i = 0; i < 5; i++) {
    model.state.keepSpares();
    model.kill(model.reserve[0]!);
  }
  assert.deepEqual(model.pauses, [0, 0, 1, 2, 3, 4]);
  model.state.keepSpares();
  const late = model.reserve[0]!;
  // Its start has not come yet: a worker that dies gets a fresh one.
  model.submit({ count: 1 });
  model.take(model.threads[0]!);
  model.kill(model.threads[0]!);
  assert.notEqual(model.state.places[0], late.place);
  model.settle();
  model.checkAtRest();
  assert.equal([...model.told.values()].filter((what) => what === 'done').length, 1);
});

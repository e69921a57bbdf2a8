/** What a worker may begin that has no claim words in common with its pool. */
import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { BrokenProtocol } from '#simul/protocol/index.js';
import { Grants } from '#simul/transport/grants.js';

/** Grants, a clock, and what has been granted. */
class Scene {
  now = 0;
  readonly granted: number[] = [];
  readonly grants: Grants;

  constructor(places = 1) {
    const grant = (slot: number, items: number): void => {
      assert.ok(items > (this.granted[slot] ?? 0), 'a grant is more than the one before');
      this.granted[slot] = items;
    };
    this.grants = new Grants({ now: () => this.now, grant }, places);
  }

  /** A job of items that each take so long, run to its end. */
  run(slot: number, count: number, each: number, operation = 1): void {
    this.granted[slot] = 0;
    this.grants.post(slot, operation, count);
    for (let item = 0; item < count; item++) {
      if (this.granted[slot]! <= item) this.grants.wants(slot, item);
      assert.ok(this.granted[slot]! > item);
      this.grants.began(slot, item, this.now);
      this.now += each;
    }
    this.grants.ended(slot, count, count * each);
    this.granted[slot] = 0;
  }
}

test('of what was never run one item is granted, and nothing behind it', () => {
  const scene = new Scene();
  scene.grants.post(0, 1, 10);
  scene.grants.post(1, 1, 10);
  assert.deepEqual(scene.granted, [1]);
  scene.grants.began(0, 0, 0);
  assert.deepEqual(scene.granted, [1]);
  scene.grants.wants(0, 1);
  assert.deepEqual(scene.granted, [2]);
});

test('of what is cheap as much as two milliseconds hold, jobs behind it too', () => {
  const scene = new Scene();
  scene.run(0, 10, 0.1);
  scene.grants.post(1, 1, 5);
  scene.grants.post(2, 1, 100);
  assert.equal(scene.granted[1], 5);
  assert.ok(scene.granted[2]! >= 14 && scene.granted[2]! <= 17, `${scene.granted[2]}`);
  scene.grants.post(3, 1, 1);
  assert.equal(scene.granted[3], undefined);
});

test('what is long goes one by one', () => {
  const scene = new Scene();
  scene.run(0, 3, 5);
  scene.grants.post(1, 1, 3);
  scene.grants.post(2, 1, 3);
  assert.deepEqual(scene.granted, [0, 1]);
});

test('behind what runs longer than was thought nothing more is granted', () => {
  const scene = new Scene();
  scene.run(0, 20, 0.01);
  scene.grants.post(1, 1, 1);
  scene.grants.began(1, 0, scene.now);
  scene.now += 50;
  scene.grants.post(2, 1, 1);
  assert.equal(scene.granted[2], undefined);
  scene.grants.ended(1, 1, 50);
  assert.equal(scene.granted[2], 1);
});

test('what is closed is granted nothing more, and is told what it was', () => {
  const scene = new Scene();
  scene.grants.post(0, 1, 5);
  assert.equal(scene.grants.close(0), 1);
  scene.grants.began(0, 0, 0);
  scene.grants.wants(0, 1);
  assert.deepEqual(scene.granted, [1]);
  scene.grants.returned(0, 1);
  assert.throws(() => scene.grants.began(0, 1, 1), BrokenProtocol);
});

test('places for several are granted at once', () => {
  const scene = new Scene(3);
  for (const slot of [0, 1, 2, 3]) {
    scene.grants.post(slot, 1, 2);
    if ((scene.granted[slot] ?? 0) > 0) scene.grants.began(slot, 0, 0);
  }
  assert.deepEqual(scene.granted, [1, 1, 1]);
});

test('an item begins in its turn, at a time that there is', () => {
  const { grants } = new Scene();
  grants.post(0, 1, 3);
  for (const [item, at] of [
    [1, 0],
    [0, Number.NaN],
    [0, Number.POSITIVE_INFINITY],
  ] as const) {
    assert.throws(() => grants.began(0, item, at), BrokenProtocol);
  }
  grants.began(0, 0, 5);
  assert.throws(() => grants.began(0, 1, 6), BrokenProtocol, 'it was not granted');
});

/** A job as the worker of the test has it. */
interface Running {
  readonly slot: number;
  readonly count: number;
  readonly cost: number;
  begun: number;
  closed: boolean;
}

test('whatever happens, each item begins once or is taken back, and the worker never starves', () => {
  const steps = fc.array(
    fc.record({
      act: fc.constantFrom('post', 'run', 'run', 'run', 'close'),
      pick: fc.nat(),
      count: fc.integer({ min: 1, max: 20 }),
      cost: fc.constantFrom(0.001, 0.1, 1, 30),
    }),
    { maxLength: 300 },
  );
  fc.assert(
    fc.property(steps, fc.integer({ min: 1, max: 3 }), (all, places) => {
      const scene = new Scene(places);
      const { grants } = scene;
      const jobs: Running[] = [];
      let slots = 0;
      /** One item of a job that the worker has taken, or its end. */
      const run = (job: Running): void => {
        if (job.closed || job.begun === job.count) {
          jobs.splice(jobs.indexOf(job), 1);
          return grants.ended(job.slot, job.begun, job.begun * job.cost);
        }
        if ((scene.granted[job.slot] ?? 0) <= job.begun) grants.wants(job.slot, job.begun);
        assert.ok(scene.granted[job.slot]! > job.begun, 'who asks is given');
        assert.ok(scene.granted[job.slot]! <= job.count);
        grants.began(job.slot, job.begun, scene.now);
        job.begun += 1;
        scene.now += job.cost;
      };
      for (const { act, pick, count, cost } of all) {
        if (act === 'post') {
          const slot = slots++;
          jobs.push({ slot, count, cost, begun: 0, closed: false });
          grants.post(slot, Math.round(cost * 1000), count);
        } else if (jobs.length > 0 && act === 'run') {
          run(jobs[pick % Math.min(places, jobs.length)]!);
        } else if (jobs.length > 0) {
          const job = jobs[pick % jobs.length]!;
          const before = grants.close(job.slot);
          assert.ok(before >= job.begun);
          job.closed = true;
          grants.returned(job.slot, job.begun);
        }
      }
      while (jobs.length > 0) run(jobs[0]!);
    }),
    { numRuns: 300 },
  );
});

/** The state machine alone, under random events: no item is lost, told twice, or run twice. */
import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { type Group, type Job, piece } from '#simul/engine/local/job.js';
import type { Place } from '#simul/engine/local/place.js';
import { type Deeds, PoolState } from '#simul/engine/local/state.js';

const CLOSED = 1 << 30;

/** Workers that run items when told to, and remember every claim. */
class Model implements Deeds {
  readonly state: PoolState;
  readonly claims = new Map<Job, number>();
  readonly live = new Set<Place>();
  readonly ran = new Map<string, number>();
  readonly told = new Map<string, string>();
  clock = 0;

  constructor(workers: number, tasksPerWorker: number, maxTasksPerWorker: number) {
    this.state = new PoolState({ workers, tasksPerWorker, maxTasksPerWorker }, this);
  }

  now(): number {
    return this.clock;
  }
  start(place: Place): void {
    this.live.add(place);
  }
  tryPost(_place: Place, job: Job): boolean {
    this.claims.set(job, 0);
    return true;
  }
  takeBack(_place: Place, job: Job): number {
    const before = this.claims.get(job)!;
    this.claims.set(job, before | CLOSED);
    return before;
  }
  started(_place: Place, job: Job): number {
    return this.claims.get(job)! & (CLOSED - 1);
  }
  stop(place: Place): void {
    this.live.delete(place);
    this.state.workerGone(place);
  }
  lost(_place: Place, job: Job, item: number): void {
    this.tell(job, item, 'lost');
  }
  over(): void {}
  giveUp(jobs: readonly Job[]): void {
    for (const job of jobs) for (let i = 0; i < job.count; i++) this.tell(job, i, 'given up');
  }

  tell(job: Job, item: number, what: string): void {
    const key = `${job.group.spec.task}:${job.base + item}`;
    assert.equal(this.told.has(key), false, `${key} was told twice`);
    this.told.set(key, what);
  }

  submit(task: number, count: number): void {
    const spec = {
      task,
      from: 0,
      count,
      base: 0,
      pinned: -1,
      priority: task % 3,
    } as unknown as Group['spec'];
    const group: Group = { spec, pieces: new Set(), submittedAt: 0, depth: 0, cancelled: false };
    this.state.submit(piece(group, 0, count));
  }

  /** The worker takes its next step: claims and finishes an item of its first job, or ends the job. */
  step(place: Place): void {
    const [job] = place.posted;
    if (job === undefined) return;
    const at = this.claims.get(job)!;
    if (at < job.count) {
      this.claims.set(job, at + 1);
      const key = `${job.group.spec.task}:${job.base + at}`;
      this.ran.set(key, (this.ran.get(key) ?? 0) + 1);
      this.state.itemDone(job);
      this.tell(job, at, 'done');
      return;
    }
    this.state.jobEnded(place, job, Math.min(job.results, job.kept), 1);
  }

  /** The worker dies, half the time in the middle of an item. */
  kill(place: Place, inItem: boolean): void {
    const [job] = place.posted;
    if (inItem && job !== undefined && this.claims.get(job)! < job.count) {
      this.claims.set(job, this.claims.get(job)! + 1);
      const key = `${job.group.spec.task}:${job.base + job.results}`;
      this.ran.set(key, (this.ran.get(key) ?? 0) + 1);
    }
    this.live.delete(place);
    this.state.workerGone(place);
  }

  pick(n: number): Place | undefined {
    const all = [...this.live];
    return all[n % Math.max(1, all.length)];
  }

  settle(): void {
    for (let round = 0; round < 100_000; round++) {
      for (const place of [...this.live]) if (place.phase === 'starting') this.state.workerReady(place);
      const busy = [...this.live].find((place) => place.posted.size > 0);
      if (busy === undefined) return;
      this.step(busy);
    }
    assert.fail('the pool does not come to rest');
  }
}

const event = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant('submit' as const), n: fc.integer({ min: 1, max: 9 }) }),
  },
  { weight: 12, arbitrary: fc.record({ do: fc.constant('step' as const), n: fc.nat(7) }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('ready' as const), n: fc.nat(7) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('kill' as const), n: fc.nat(15) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('retire' as const), n: fc.nat(7) }) },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant('time' as const), n: fc.integer({ min: 1, max: 9 }) }),
  },
);

test('random events lose, double and forget nothing', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 4 }),
      fc.integer({ min: 1, max: 2 }),
      fc.constantFrom(3, 7, Number.POSITIVE_INFINITY),
      fc.array(event, { maxLength: 120 }),
      (workers, tasksPerWorker, maxTasks, events) => {
        const model = new Model(workers, tasksPerWorker, maxTasks);
        const submitted: number[] = [];
        for (const { do: what, n } of events) {
          const place = model.pick(n);
          if (what === 'submit') {
            submitted.push(n);
            model.submit(submitted.length, n);
          } else if (what === 'time') {
            model.clock += n;
            model.state.dispatch();
          } else if (place === undefined) continue;
          else if (what === 'step') model.step(place);
          else if (what === 'ready') model.state.workerReady(place);
          else if (what === 'kill') model.kill(place, n > 7);
          else model.state.retire(place);
        }
        model.settle();
        for (const [i, count] of submitted.entries()) {
          for (let item = 0; item < count; item++) {
            const key = `${i + 1}:${item}`;
            assert.ok(model.told.has(key), `${key} was never told`);
            assert.ok((model.ran.get(key) ?? 0) <= 1, `${key} ran twice`);
            if (model.told.get(key) === 'done') assert.equal(model.ran.get(key), 1);
          }
        }
      },
    ),
    { numRuns: 20000 },
  );
});

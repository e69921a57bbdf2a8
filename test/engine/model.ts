/** Workers and users as the state machine sees them, driven step by step; they remember all that they did. */
import assert from 'node:assert/strict';
import type { Deeds, GiveUp, StateOptions } from '#simul/engine/local/deeds.js';
import { type Group, isSkipped, isUnwanted, type Job, piece } from '#simul/engine/local/job.js';
import type { Place } from '#simul/engine/local/place.js';
import { PoolState } from '#simul/engine/local/state.js';

export const CLOSED = 1 << 30;

export interface Asked {
  readonly count: number;
  readonly pinned?: number;
  readonly priority?: number;
  readonly depth?: number;
  /** It kills a worker before it starts. */
  readonly poison?: boolean;
  readonly done?: () => void;
  /** Calls made in one go. */
  readonly calls?: boolean;
}

/** A job that a worker has taken, and the item it has claimed. */
interface Run {
  readonly job: Job;
  item: number;
  /** Calls of its own that the item waits for. */
  open: number;
  readonly made: Group[];
}

interface Thread {
  readonly place: Place;
  readonly inbox: Job[];
  readonly runs: Run[];
  items: number;
  everWaited: boolean;
}

export class Model implements Deeds {
  readonly state: PoolState;
  readonly options: StateOptions;
  readonly threads: Thread[] = [];
  readonly groups: { group: Group; asked: Asked }[] = [];
  readonly told = new Map<string, string>();
  readonly ran = new Map<string, number>();
  readonly #claims = new Map<Job, number>();
  readonly #queuedOnce = new Set<Job>();
  readonly #slots: number;
  readonly #never = new Set<string>();
  readonly #calls = { id: 0, spec: { kind: 'call' }, cost: undefined };
  /** Of each start, how many deaths came before it. */
  readonly pauses: number[] = [];
  clock = 0;
  /** How long a job took, as workers say, in ms. */
  elapsed = 0.1;

  constructor(options: StateOptions, slots = Number.POSITIVE_INFINITY) {
    this.options = options;
    this.#slots = slots;
    this.state = new PoolState(options, this);
  }

  // ---- deeds --------------------------------------------------------------------------------------------------

  now(): number {
    return this.clock;
  }

  start(place: Place, failures: number): void {
    this.pauses.push(failures);
    this.threads.push({ place, inbox: [], runs: [], items: 0, everWaited: false });
  }

  tryPost(place: Place, job: Job): boolean {
    const thread = this.#thread(place)!;
    const { pinned } = job.spec;
    assert.ok(place.worker >= 0, 'nothing is sent to the reserve');
    assert.ok(pinned < 0 || pinned === place.worker, 'a pinned job goes to its worker');
    assert.equal(place.phase, 'ready');
    if (thread.inbox.length + thread.runs.length >= this.#slots) return false;
    thread.inbox.push(job);
    this.#claims.set(job, 0);
    this.#queuedOnce.add(job);
    return true;
  }

  takeBack(_place: Place, job: Job): number {
    const before = this.#claims.get(job)!;
    this.#claims.set(job, before | CLOSED);
    return before;
  }

  started(_place: Place, job: Job): number {
    return this.#claims.get(job)! & (CLOSED - 1);
  }

  number(place: Place): void {
    const thread = this.#thread(place)!;
    assert.ok(place.worker >= 0, 'a worker of the reserve is given a number');
    assert.ok(thread.place.fromReserve && thread.items === 0);
  }

  stop(place: Place, ready: boolean): void {
    const thread = this.#thread(place)!;
    assert.ok(ready || thread.items === 0);
    assert.equal(thread.runs.length, 0, 'a worker is stopped idle');
    this.#remove(thread);
    this.state.workerGone(place);
  }

  lost(_place: Place, job: Job, item: number): void {
    if (!isSkipped(job, item)) this.#tell(job, item, 'lost');
  }

  over(job: Job): void {
    assert.equal(job.phase, 'over');
  }

  giveUp(jobs: readonly Job[], why: GiveUp): void {
    for (const job of jobs) {
      if (job.group.cancelled) continue;
      for (let i = 0; i < job.count; i++) if (!isSkipped(job, i)) this.#tell(job, i, why);
    }
  }

  /** Workers that were started ahead and have no number. */
  get reserve(): Thread[] {
    return this.threads.filter(({ place }) => place.worker < 0);
  }

  // ---- what users do ------------------------------------------------------------------------------------------

  submit(asked: Asked): Group {
    const { count, pinned = -1, priority = 0, depth = 0 } = asked;
    const task = this.groups.length + 1;
    const operation = asked.calls === true ? this.#calls : { id: 0, spec: { kind: 'map' }, cost: undefined };
    const spec = { task, from: 0, count, base: 0, pinned, priority, operation } as unknown as Group['spec'];
    const group: Group = {
      spec,
      pieces: new Set(),
      submittedAt: 0,
      queuedAt: 0,
      depth,
      cancelled: false,
      skipped: undefined,
    };
    this.groups.push({ group, asked });
    this.state.submit(piece(group, 0, count));
    return group;
  }

  cancel(group: Group): void {
    if (group.cancelled) return;
    const open: [Job, number][] = [];
    for (const job of group.pieces) {
      for (let item = job.results; item < job.kept; item++) if (!isSkipped(job, item)) open.push([job, item]);
    }
    this.state.cancel(group);
    for (const [job, item] of open) this.#tell(job, item, 'cancelled');
  }

  /** One item is given up: the n-th of those that are left. */
  skip(group: Group, n: number): void {
    const open: [Job, number][] = [];
    for (const job of group.pieces) {
      for (let item = job.results; item < job.kept; item++)
        if (!isUnwanted(job, item)) open.push([job, item]);
    }
    const chosen = open[n % Math.max(1, open.length)];
    if (chosen === undefined) return;
    const [job, item] = chosen;
    this.#tell(job, item, 'skipped');
    const begun = this.ran.has(`${job.spec.task}:${job.base + item}`);
    assert.equal(this.state.skip(job, item), begun, 'what has begun has to be asked to stop');
    if (!begun) this.#never.add(`${job.spec.task}:${job.base + item}`);
  }

  // ---- what workers do ----------------------------------------------------------------------------------------

  ready(thread: Thread): void {
    this.state.workerReady(thread.place);
  }

  /** Takes the next job where it has a place for one. */
  take(thread: Thread): boolean {
    const waiting = thread.runs.filter((run) => run.open > 0).length;
    if (thread.runs.length - waiting >= this.options.tasksPerWorker) return false;
    const job = thread.inbox.shift();
    if (job === undefined) return false;
    if (this.groups[job.spec.task - 1]!.asked.poison === true && this.#claims.get(job)! < CLOSED) {
      thread.inbox.unshift(job);
      this.kill(thread);
      return true;
    }
    const run: Run = { job, item: -1, open: 0, made: [] };
    thread.runs.push(run);
    this.#claim(thread, run);
    return true;
  }

  finish(thread: Thread, run: Run): boolean {
    if (run.open > 0) return false;
    const { job, item } = run;
    const told = isUnwanted(job, item);
    this.state.itemsDone(job, 1);
    if (!told) this.#tell(job, item, 'done');
    this.clock += 0.1;
    this.#claim(thread, run);
    return true;
  }

  /** The running item calls the pool and waits. */
  nest(thread: Thread, run: Run, count: number): void {
    if (run.open > 0) return;
    run.open = 1;
    thread.everWaited = true;
    this.state.taskWaits(thread.place, true);
    const done = (): void => {
      run.open = 0;
      if (this.threads.includes(thread)) this.state.taskWaits(thread.place, false);
    };
    const depth = run.job.group.depth + 1;
    const { priority } = run.job.spec;
    run.made.push(this.submit({ count, depth, priority, done }));
  }

  kill(thread: Thread): void {
    this.#remove(thread);
    this.state.workerGone(thread.place);
    for (const run of thread.runs) for (const group of run.made) this.cancel(group);
  }

  /** Everything that can go on goes on, until nothing can. */
  settle(): void {
    for (let round = 0; round < 100_000; round++) {
      let moved = false;
      for (const thread of [...this.threads]) {
        if (!this.threads.includes(thread)) continue;
        if (thread.place.phase === 'starting') {
          this.ready(thread);
          moved = true;
        }
        while (this.threads.includes(thread) && this.take(thread)) moved = true;
        for (const run of [...thread.runs]) {
          if (this.threads.includes(thread) && thread.runs.includes(run) && this.finish(thread, run))
            moved = true;
        }
      }
      this.check();
      if (!moved) return;
    }
    assert.fail('the pool does not come to rest');
  }

  // ---- what has to hold ---------------------------------------------------------------------------------------

  check(): void {
    const numbers = this.state.places.flatMap((place) => (place === undefined ? [] : [place.worker]));
    assert.deepEqual(numbers, [...new Set(numbers)], 'one worker a number');
    for (const [number, place] of this.state.places.entries()) {
      if (place !== undefined) assert.equal(place.worker, number);
    }
    const { workers, spares } = this.options;
    const ahead = this.reserve.length;
    const due = this.state.places.filter((place) => place?.due !== undefined).length;
    assert.ok(ahead <= due + spares, `${ahead} in reserve, for ${due}`);
    assert.ok(due <= workers);
    for (const { place } of this.threads) {
      let load = 0;
      for (const job of place.posted) if (job.kept > 0) load += 1;
      assert.equal(place.load, load, 'the load is what a worker has to do');
      assert.ok(place.waiting >= 0 && place.waiting <= place.posted.size, 'who waits is there');
    }
  }

  checkAtRest(): void {
    for (const { group, asked } of this.groups) {
      for (let item = 0; item < asked.count; item++) {
        const key = `${group.spec.task}:${item}`;
        assert.ok(this.told.has(key), `${key} was never told`);
        assert.ok((this.ran.get(key) ?? 0) <= 1, `${key} ran twice`);
        if (this.told.get(key) === 'done') assert.equal(this.ran.get(key), 1);
      }
      assert.equal(group.pieces.size, 0, 'no piece is left');
    }
    assert.equal(this.state.queued, 0, 'no job is queued');
    assert.equal(this.state.waiting, 0, 'no task waits');
    assert.equal(this.state.leaving.size, 0, 'no worker is leaving');
    for (const { place } of this.threads) assert.equal(place.posted.size, 0);
  }

  #claim(thread: Thread, run: Run): void {
    const { job } = run;
    const at = this.#claims.get(job)!;
    this.#claims.set(job, at + 1);
    if (at >= job.count) {
      thread.runs.splice(thread.runs.indexOf(run), 1);
      this.state.jobEnded(thread.place, job, Math.max(0, run.item + 1), this.elapsed);
      return;
    }
    run.item = at;
    thread.items += 1;
    const { maxTasksPerWorker } = this.options;
    if (!thread.everWaited)
      assert.ok(thread.items <= maxTasksPerWorker, 'a worker runs no more than its share');
    const key = `${job.spec.task}:${job.base + at}`;
    assert.ok(!this.#never.has(key), `${key} was given up before it began`);
    this.ran.set(key, (this.ran.get(key) ?? 0) + 1);
  }

  #tell(job: Job, item: number, what: string): void {
    const { task } = job.spec;
    const key = `${task}:${job.base + item}`;
    assert.equal(this.told.has(key), false, `${key} was told twice`);
    this.told.set(key, what);
    const { asked } = this.groups[task - 1]!;
    for (let i = 0; i < asked.count; i++) if (!this.told.has(`${task}:${i}`)) return;
    asked.done?.();
  }

  #thread(place: Place): Thread | undefined {
    return this.threads.find((thread) => thread.place === place);
  }

  #remove(thread: Thread): void {
    this.threads.splice(this.threads.indexOf(thread), 1);
  }
}

/**
 * What the local engine decides: which job goes to which worker, what becomes of a dead worker's jobs, when
 * workers start and stop. Told of events by named methods, it asks for deeds by {@link Deeds}; it holds no
 * thread, timer or promise, so tests drive it with any sequence of events.
 *
 * The invariant: every item of every piece is in exactly one of: queued, posted and unstarted, running, told.
 * At most once: an item that was claimed by a worker is never queued again.
 */
import { CLOSED } from '../../memory/index.js';
import type { Deeds, StateOptions } from './deeds.js';
import { type Group, isBurst, isDivisible, type Job, part, piece, wantedRuns } from './job.js';
import { newPlace, type Place } from './place.js';
import { ahead, averaged, DEATHS, portion, START_FAILURES } from './policy.js';
import { goesBefore, JobQueue } from './queue.js';
import { lessUrgent, stealable } from './stealing.js';

export class PoolState {
  /** The current worker of each number; undefined while there is none. */
  readonly places: (Place | undefined)[];
  /** Replaced workers that still run something. */
  readonly leaving = new Set<Place>();
  readonly #options: StateOptions;
  readonly #deeds: Deeds;
  readonly #queue = new JobQueue();
  readonly #pinned: JobQueue[];
  #startFailures = 0;
  /** The rank of the first job, and whether a job of another came since: else none goes before another. */
  #rank: { readonly priority: number; readonly depth: number } | undefined;
  #hasRanks = false;
  /** Posted jobs of which an idle worker might take a part. */
  #divisible = 0;
  #dispatching = false;
  #again = false;

  constructor(options: StateOptions, deeds: Deeds) {
    this.#options = options;
    this.#deeds = deeds;
    this.places = new Array(options.workers).fill(undefined);
    this.#pinned = Array.from(this.places, () => new JobQueue());
  }

  // ---- events -----------------------------------------------------------------------------------------------

  submit(job: Job): void {
    if (!this.#hasRanks) {
      const { priority } = job.spec;
      const { depth } = job.group;
      this.#rank ??= { priority, depth };
      this.#hasRanks = this.#rank.priority !== priority || this.#rank.depth !== depth;
    }
    this.#enqueue(job, false);
    this.dispatch();
  }

  /** Jobs are about to come: workers for so many of them begin to start, where there is none yet. */
  expect(jobs: number, pinned: number): void {
    if (pinned >= 0 && this.places[pinned] === undefined) this.#start(pinned);
    if (pinned < 0 && !this.places.some(Boolean)) this.#startFor(jobs);
  }

  workerReady(place: Place): void {
    if (place.phase !== 'starting') return;
    place.phase = 'ready';
    place.idleSince = this.#deeds.now();
    this.dispatch();
  }

  /** Results of `job` came: told by the shell, counted here. */
  itemsDone(job: Job, count: number): void {
    job.results += count;
  }

  /** The worker has done with the job's slot. */
  jobEnded(place: Place, job: Job, started: number, elapsed: number): void {
    place.posted.delete(job);
    place.full = false;
    if (place.suspect === job) place.suspect = undefined;
    if (isDivisible(job)) this.#divisible -= 1;
    if (job.kept > 0) place.load -= 1;
    place.ran += started;
    if (started > 0) {
      this.#startFailures = 0;
      place.average = averaged(place.average, elapsed);
      const { operation } = job.spec;
      operation.cost = averaged(operation.cost, elapsed / started);
    }
    if (started < job.kept) this.#giveBack(job, started);
    this.finish(job);
    if (place.posted.size === 0) place.idleSince = this.#deeds.now();
    if (place.phase === 'retiring') this.#stopIfDone(place);
    else if (place.ran >= this.#options.maxTasksPerWorker && place.phase === 'ready') this.retire(place);
    this.dispatch();
  }

  /** Of what was left to the worker when the job was closed, so many items have begun; the others never will there. */
  jobReturned(place: Place, job: Job | undefined, started: number): void {
    if (job === undefined || started >= job.kept) return;
    this.#giveBack(job, started);
    if (started === 0) place.load -= 1;
    this.dispatch();
  }

  /** A task of the worker waits for the pool itself, or goes on. What stands behind it need not wait as well. */
  taskWaits(place: Place, waits: boolean): void {
    place.waiting = Math.max(0, place.waiting + (waits ? 1 : -1));
    if (!waits) return;
    for (const job of [...place.posted]) if (isBurst(job)) this.takeTail(job);
    this.dispatch();
  }

  workerGone(place: Place): void {
    const before = place.phase;
    if (before === 'gone') return;
    place.phase = 'gone';
    this.leaving.delete(place);
    if (this.places[place.worker] === place) this.places[place.worker] = undefined;
    const jobs = [...place.posted];
    place.posted.clear();
    for (const job of jobs.reverse()) this.#recover(place, job);
    if (before === 'starting' || (before === 'ready' && place.ran === 0 && jobs.length === 0)) {
      this.#startFailures += 1;
    }
    if (this.#startFailures >= START_FAILURES) {
      this.#startFailures = 0;
      this.#deeds.giveUp(this.drainQueue(), 'starts');
    }
    this.dispatch();
  }

  /** No more of the group may start; the pieces that still run are returned. */
  cancel(group: Group): Job[] {
    group.cancelled = true;
    const running: Job[] = [];
    for (const job of [...group.pieces]) {
      if (job.phase === 'queued') {
        this.finish(job);
      } else if (job.place !== undefined) {
        this.keepStarted(job);
        // What may have begun for all that is known here has to hear of it, too.
        if (job.results < job.kept) running.push(job);
      }
    }
    this.dispatch();
    return running;
  }

  /** Takes back what has not started of a posted job: as a piece of its own where the group goes on. */
  takeTail(job: Job): void {
    const tail = this.keepStarted(job);
    if (tail > 0 && !job.group.cancelled) this.#enqueue(piece(job.group, job.from + job.kept, tail), true);
  }

  /** The worker is to be replaced: its unstarted jobs move, its running ones finish. */
  retire(place: Place): void {
    if (place.phase !== 'ready' && place.phase !== 'starting') return;
    this.#leave(place);
    if (this.queued > 0 || place.posted.size > 0) this.#start(place.worker);
    for (const job of [...place.posted].reverse()) this.takeTail(job);
    this.#stopIfDone(place);
    this.dispatch();
  }

  /** An idle worker that is not needed now. */
  release(place: Place): void {
    if (place.phase !== 'ready' || place.posted.size > 0) return;
    this.#leave(place);
    this.#stopIfDone(place);
  }

  #leave(place: Place): void {
    place.phase = 'retiring';
    this.leaving.add(place);
    this.places[place.worker] = undefined;
  }

  /** An item that nobody waits for any more; true where it has begun. */
  skip(job: Job, item: number): boolean {
    job.group.skipped ??= new Set();
    job.group.skipped.add(job.from + item);
    if (job.phase === 'queued') {
      if (wantedRuns(job).length === 0) this.finish(job);
      return false;
    }
    this.takeTail(job);
    this.dispatch();
    return item < job.kept;
  }

  /** Removes and returns all queued jobs. */
  drainQueue(): Job[] {
    const jobs = [this.#queue, ...this.#pinned].flatMap((queue) => queue.drain());
    for (const job of jobs) this.finish(job);
    return jobs;
  }

  // ---- decisions --------------------------------------------------------------------------------------------

  /** Gives queued jobs to workers, starts workers where jobs wait, and moves posted jobs to idle ones. */
  dispatch(): void {
    this.#again = true;
    // Deeds can lead back here: then one more round follows instead of one inside the other.
    if (this.#dispatching) return;
    this.#dispatching = true;
    while (this.#again) {
      this.#again = false;
      this.#dispatchPinned();
      this.#dispatchQueue();
      this.#rebalance();
      this.#startForLong();
    }
    this.#dispatching = false;
  }

  /** True where an idle worker might take a part of what others run, if they go on for long. */
  get canSplitLater(): boolean {
    return this.#divisible > 0 && this.places.some((place) => !place || this.#hasRoom(place, 0));
  }

  /** Queued tasks, cancelled ones that have not surfaced included. */
  get queued(): number {
    return this.#pinned.reduce((sum, queue) => sum + queue.size, this.#queue.size);
  }

  /** Tasks that wait for the pool itself, on all workers. */
  get waiting(): number {
    return [...this.places, ...this.leaving].reduce((sum, place) => sum + (place?.waiting ?? 0), 0);
  }

  #capacity(place: Place): number {
    return this.#options.tasksPerWorker + place.waiting;
  }

  /** Whether one job more may be posted, counting jobs ahead of the worker if `prefetch` is 1. */
  #hasRoom(place: Place, prefetch: 0 | 1): boolean {
    if (place.phase !== 'ready') return false;
    if (place.suspect !== undefined && this.#deeds.started(place, place.suspect) === 0) return false;
    // Nothing is sent ahead of a task that waits: what it waits for would come behind.
    const most = this.#capacity(place) + (prefetch === 0 || place.waiting > 0 ? 0 : ahead(place));
    return place.load < most && this.#allowance(place) > 0;
  }

  /** Items the worker may still be given before it is replaced. */
  #allowance(place: Place): number {
    const { maxTasksPerWorker } = this.#options;
    // While a task waits here, what it waits for may need this worker: then replacing it comes later.
    if (maxTasksPerWorker === Number.POSITIVE_INFINITY || place.waiting > 0) return Number.POSITIVE_INFINITY;
    let left = maxTasksPerWorker - place.ran;
    for (const job of place.posted) left -= job.kept;
    return left;
  }

  /** Whether this job may go to that worker: one that may have killed another goes alone. */
  #suits(place: Place, job: Job): boolean {
    return job.deaths === 0 || place.load <= place.waiting;
  }

  #dispatchPinned(): void {
    for (let worker = 0; worker < this.#pinned.length; worker++) {
      const queue = this.#pinned[worker]!;
      if (queue.peek() === undefined) continue;
      const place = this.places[worker];
      if (place === undefined) this.#start(worker);
      else this.#fill(place, queue);
    }
  }

  #fill(place: Place, queue: JobQueue): void {
    while (this.#hasRoom(place, 1)) {
      const pinned = this.#front(queue);
      if (pinned === undefined) return;
      // Being pinned is no privilege: what any worker may run and came before goes before.
      const other = this.#front(this.#queue);
      const source = other !== undefined && goesBefore(other, pinned) ? this.#queue : queue;
      const job = source.peek()!;
      if (!this.#suits(place, job)) return;
      source.shift();
      const left = this.#post(place, job);
      if (left !== undefined) return this.#putBack(left);
    }
  }

  #dispatchQueue(): void {
    for (let job = this.#front(this.#queue); job !== undefined; job = this.#front(this.#queue)) {
      const place = this.#leastLoaded(job, 0) ?? this.#nextTo(job);
      if (place === undefined) break;
      this.#queue.shift();
      const left = this.#post(place, job);
      if (left !== undefined) {
        this.#putBack(left);
        break;
      }
    }
    this.#startForDemand();
  }

  /** A job that no worker has room for; where none ever will, it is given up. */
  #putBack(job: Job): void {
    this.#enqueue(job, true);
    const { pinned } = job.spec;
    for (const place of pinned >= 0 ? [this.places[pinned]] : [...this.places, ...this.leaving]) {
      // Full of waiting tasks: nothing here ends before the job does.
      if (place === undefined || place.posted.size === 0 || place.waiting < place.posted.size) return;
    }
    this.finish(job);
    this.#deeds.giveUp([job], 'slots');
    this.#again = true;
  }

  /** A worker that can run the job after what it runs now: what is less urgent and has not started comes later. */
  #nextTo(job: Job): Place | undefined {
    if (this.#hasRanks) {
      for (const posted of lessUrgent(job, this.places, this.#isBehind, this.#deeds)) this.takeTail(posted);
    }
    return this.#leastLoaded(job, 1);
  }

  /** Starts workers for what is queued or waits behind busy workers; it moves over once they are ready. */
  #startForDemand(): void {
    let demand = this.#queue.size;
    for (const place of this.places) {
      if (place === undefined) continue;
      if (place.phase === 'starting') demand -= this.#options.tasksPerWorker;
      else demand += Math.max(0, place.load - this.#capacity(place));
    }
    this.#startFor(demand);
  }

  /** The worker with the fewest posted jobs that has room, counting jobs ahead if `prefetch` is 1. */
  #leastLoaded(job: Job, prefetch: 0 | 1): Place | undefined {
    let best: Place | undefined;
    for (const place of this.places) {
      if (place === undefined || !this.#hasRoom(place, prefetch) || !this.#suits(place, job)) continue;
      if (best === undefined || place.load < best.load) best = place;
    }
    return best;
  }

  /** Starts workers for so many jobs, as far as there may be more. */
  #startFor(jobs: number): void {
    const { tasksPerWorker } = this.#options;
    for (let left = jobs; left > 0 && this.places.includes(undefined); left -= tasksPerWorker) {
      this.#start(this.places.indexOf(undefined));
    }
  }

  #start(worker: number): void {
    const place = newPlace(worker, this.#deeds.now());
    this.places[worker] = place;
    this.#deeds.start(place, this.#startFailures);
  }

  /** Posts the job, or as much of it as the worker may still run; what could not be sent, if anything. */
  #post(place: Place, whole: Job): Job | undefined {
    const most = Math.min(
      this.#allowance(place),
      portion(whole, this.places.length, this.#options.tasksPerWorker),
    );
    const job = whole.count <= most ? whole : this.#split(whole, most);
    if (!this.#deeds.tryPost(place, job)) {
      place.full = true;
      return job;
    }
    if (job.deaths > 0) place.suspect = job;
    job.phase = 'posted';
    job.place = place;
    job.postedAt = this.#deeds.now();
    place.posted.add(job);
    place.load += 1;
    if (isDivisible(job)) this.#divisible += 1;
    return undefined;
  }

  /** No task waits behind a busy worker while another is idle. */
  #rebalance(): void {
    if (this.#queue.peek() !== undefined || !this.#anyToShare()) return;
    for (const place of this.places) {
      if (place === undefined || place.phase !== 'ready') continue;
      while (!place.full && this.#hasRoom(place, 0)) {
        const job = this.#stealable(place);
        if (job === undefined) return;
        this.takeTail(job);
        const next = this.#front(this.#queue);
        if (next === undefined) break;
        if (!this.#suits(place, next)) return;
        this.#queue.shift();
        const half = next.count > 1 && next.from > job.from ? this.#split(next, next.count >> 1) : next;
        const left = this.#post(place, half);
        if (left !== undefined) return this.#putBack(left);
      }
    }
    this.#again ||= this.#queue.peek() !== undefined;
  }

  /** Starts a worker where one job alone holds many items for long, and no other worker is there to share it. */
  #startForLong(): void {
    if (this.#divisible === 0 || !this.places.includes(undefined)) return;
    if (this.places.some((place) => place?.phase === 'starting' || (place && this.#hasRoom(place, 0))))
      return;
    if (this.#stealable() !== undefined) this.#startFor(1);
  }

  /** Whether any worker has more than it can run now, or a job of many items. */
  #anyToShare(): boolean {
    return this.#divisible > 0 || [...this.places, ...this.leaving].some(this.#isBehind);
  }

  #isBehind = (place: Place | undefined): boolean =>
    place !== undefined && place.load > this.#capacity(place);

  #stealable(thief?: Place): Job | undefined {
    return stealable([...this.places, ...this.leaving], thief, this.#isBehind, this.#deeds);
  }

  /** The first job of a queue; pieces with items that are not to run are cut around those first. */
  #front(queue: JobQueue): Job | undefined {
    for (let job = queue.peek(); job !== undefined; job = queue.peek()) {
      const wanted = job.group.skipped === undefined ? undefined : wantedRuns(job);
      if (wanted === undefined || wanted[0]?.count === job.count) return job;
      queue.shift();
      for (const { first, count } of wanted.reverse()) this.#enqueue(part(job, first, count), true);
      this.finish(job);
    }
    return undefined;
  }

  /** Keeps the first items of a piece and queues the rest in front. */
  #split(job: Job, first: number): Job {
    const kept = part(job, 0, first);
    this.#enqueue(part(job, first, job.count - first), true);
    this.finish(job);
    return kept;
  }

  // ---- bookkeeping ------------------------------------------------------------------------------------------

  #enqueue(job: Job, front: boolean): void {
    const { pinned } = job.spec;
    const queue = pinned < 0 ? this.#queue : this.#pinned[pinned]!;
    if (front) queue.pushFront(job);
    else queue.push(job);
  }

  /** Closes a posted job's claim; how many items it gave up. */
  keepStarted(job: Job): number {
    if (job.place === undefined || job.kept < job.count) return 0;
    const started = this.#deeds.takeBack(job.place, job);
    if (started >= CLOSED || started >= job.count) return 0;
    job.kept = started;
    if (started === 0) job.place.load -= 1;
    return job.count - started;
  }

  /** The worker returned what it had not started. */
  #giveBack(job: Job, started: number): void {
    const rest = job.kept - started;
    job.kept = started;
    if (!job.group.cancelled) this.#enqueue(piece(job.group, job.from + started, rest), true);
  }

  /** What a dead worker had not started of a job. Jobs that lose worker after worker are given up. */
  #moveOn(job: Job, started: number): void {
    if (job.group.cancelled) return;
    const deaths = started > 0 ? 0 : job.deaths + 1;
    const rest = piece(job.group, job.from + started, job.kept - started, deaths);
    job.kept = started;
    if (deaths < DEATHS) return this.#enqueue(rest, true);
    this.finish(rest);
    this.#deeds.giveUp([rest], 'deaths');
  }

  /** A dead worker's job: what ran is lost, what had not started moves. */
  #recover(place: Place, job: Job): void {
    if (isDivisible(job)) this.#divisible -= 1;
    const started = Math.min(this.#deeds.started(place, job), job.kept);
    for (let item = job.results; item < started; item++) {
      if (!job.group.cancelled) this.#deeds.lost(place, job, item);
    }
    if (started < job.kept) this.#moveOn(job, started);
    this.finish(job);
  }

  /** Nothing more comes of a piece; one that is queued will not run. */
  finish(job: Job): void {
    job.phase = 'over';
    job.group.pieces.delete(job);
    this.#deeds.over(job);
  }

  #stopIfDone(place: Place): void {
    if (place.phase !== 'retiring' || place.posted.size > 0) return;
    place.phase = 'stopping';
    this.#deeds.stop(place);
  }
}

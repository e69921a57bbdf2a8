/**
 * What the local engine decides: which job goes to which worker, what becomes of a dead worker's jobs, when
 * workers start and stop. Told of events by named methods, it asks for deeds by {@link Deeds}; it holds no
 * thread, timer or promise, so tests drive it with any sequence of events.
 *
 * The invariant: every item of every piece is in exactly one of: queued, posted and unstarted, running, told.
 * At most once: an item that was claimed by a worker is never queued again.
 */
import { CLOSED } from '../../memory/index.js';
import { Backlog } from './backlog.js';
import type { Deeds, StateOptions } from './deeds.js';
import { type Group, isBurst, isDivisible, type Job, piece, wantedRuns } from './job.js';
import type { Place } from './place.js';
import { ahead, averaged, DEATHS, portion } from './policy.js';
import { goesBefore, type JobQueue } from './queue.js';
import { Roster } from './roster.js';
import { lessUrgent, stealable } from './stealing.js';

export class PoolState {
  readonly #roster: Roster;
  readonly #options: StateOptions;
  readonly #deeds: Deeds;
  readonly #backlog: Backlog;
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
    this.#roster = new Roster(options, deeds);
    this.#backlog = new Backlog(options.workers, (job) => this.finish(job));
  }

  /** The current worker of each number; undefined while there is none. */
  get places(): readonly (Place | undefined)[] {
    return this.#roster.places;
  }

  /** Replaced workers that still run something. */
  get leaving(): ReadonlySet<Place> {
    return this.#roster.leaving;
  }

  // ---- events -----------------------------------------------------------------------------------------------

  submit(job: Job): void {
    if (!this.#hasRanks) {
      const { priority } = job.spec;
      const { depth } = job.group;
      this.#rank ??= { priority, depth };
      this.#hasRanks = this.#rank.priority !== priority || this.#rank.depth !== depth;
    }
    this.#backlog.add(job, false);
    this.dispatch();
  }

  /** Jobs are about to come: workers for so many of them begin to start, where there is none yet. */
  expect(jobs: number, pinned: number): void {
    if (pinned >= 0 && this.places[pinned] === undefined) this.#roster.start(pinned);
    if (pinned < 0 && !this.places.some(Boolean)) this.#roster.startFor(jobs);
  }

  workerReady(place: Place): void {
    if (place.phase !== 'starting') return;
    this.#roster.ready(place);
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
      this.#roster.began(place);
      place.average = averaged(place.average, elapsed);
      const { operation } = job.spec;
      operation.cost = averaged(operation.cost, elapsed / started);
    }
    if (started < job.kept) this.#giveBack(job, started);
    this.finish(job);
    if (place.posted.size === 0) place.idleSince = this.#deeds.now();
    if (place.phase === 'retiring') this.#roster.stopIfDone(place);
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
    if (this.#roster.gone(place)) return this.dispatch();
    const jobs = [...place.posted];
    place.posted.clear();
    for (const job of jobs.reverse()) this.#recover(place, job);
    if (before === 'starting' || (before === 'ready' && place.ran === 0 && jobs.length === 0)) {
      this.#diedAtStart(place);
    }
    if (this.#roster.takesOver(place)) this.#roster.start(place.worker);
    this.dispatch();
  }

  #diedAtStart({ worker }: Place): void {
    const lost = this.#roster.diedAtStart(worker);
    if (lost === undefined) return;
    const queues = lost === 'all' ? undefined : [this.#backlog.pinned[worker]!];
    this.#deeds.giveUp(this.#backlog.drain(queues), 'starts');
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
    if (tail > 0 && !job.group.cancelled)
      this.#backlog.add(piece(job.group, job.from + job.kept, tail), true);
  }

  /** The worker leaves now: its unstarted jobs move, its running ones finish, and another one is started for them. */
  retire(place: Place): void {
    // Not one that has left, or of the reserve.
    if (this.places[place.worker] !== place) return;
    this.#roster.leave(place);
    if (this.queued > 0 || place.posted.size > 0 || this.#roster.takesOver(place)) {
      this.#roster.start(place.worker);
    }
    for (const job of [...place.posted].reverse()) this.takeTail(job);
    this.#roster.stopIfDone(place);
    this.dispatch();
  }

  /** The worker is to be replaced: as `retire`, once another one is ready. */
  renew(place: Place): void {
    this.#roster.renew(place);
    this.dispatch();
  }

  /** An idle worker that is not needed now. */
  release(place: Place): void {
    if (this.places[place.worker] !== place || place.phase !== 'ready' || place.posted.size > 0) return;
    this.#roster.leave(place);
    this.#roster.stopIfDone(place);
    this.#roster.released();
  }

  /** Fewer workers are in reserve than are to be. */
  get lacksSpares(): boolean {
    return this.#roster.lacksSpares;
  }

  keepSpares(): void {
    this.#roster.keepSpares();
  }

  /** No work comes any more: nobody is kept in reserve. */
  endReserve(): void {
    this.#roster.endReserve();
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

  // ---- decisions --------------------------------------------------------------------------------------------

  /** Gives queued jobs to workers, starts workers where jobs wait, and moves posted jobs to idle ones. */
  dispatch(): void {
    this.#again = true;
    // Deeds can lead back here: then one more round follows instead of one inside the other.
    if (this.#dispatching) return;
    this.#dispatching = true;
    while (this.#again) {
      this.#again = false;
      for (let place = this.#roster.renewals(); place !== undefined; place = this.#roster.renewals()) {
        this.retire(place);
      }
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
    return this.#backlog.size;
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
    for (const [worker, queue] of this.#backlog.pinned.entries()) {
      if (queue.peek() === undefined) continue;
      const place = this.places[worker];
      if (place !== undefined) this.#fill(place, queue);
      else {
        this.#roster.start(worker);
        // One of the reserve may be ready.
        this.#again = true;
      }
    }
  }

  #fill(place: Place, queue: JobQueue): void {
    while (this.#hasRoom(place, 1)) {
      const pinned = this.#backlog.front(queue);
      if (pinned === undefined) return;
      // Being pinned is no privilege: what any worker may run and came before goes before.
      const other = this.#backlog.front();
      const source = other !== undefined && goesBefore(other, pinned) ? this.#backlog.shared : queue;
      const job = source.peek()!;
      if (!this.#suits(place, job)) return;
      source.shift();
      const left = this.#post(place, job);
      if (left !== undefined) return this.#putBack(left);
    }
  }

  #dispatchQueue(): void {
    for (let job = this.#backlog.front(); job !== undefined; job = this.#backlog.front()) {
      const place = this.#leastLoaded(job, 0) ?? this.#nextTo(job);
      if (place === undefined) break;
      this.#backlog.shared.shift();
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
    this.#backlog.add(job, true);
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
    let demand = this.#backlog.shared.size;
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

  #startFor(jobs: number): void {
    // One of the reserve may be ready.
    if (this.#roster.startFor(jobs)) this.#again = true;
  }

  /** Posts the job, or as much of it as the worker may still run; what could not be sent, if anything. */
  #post(place: Place, whole: Job): Job | undefined {
    const most = Math.min(
      this.#allowance(place),
      portion(whole, this.places.length, this.#options.tasksPerWorker),
    );
    const job = whole.count <= most ? whole : this.#backlog.split(whole, most);
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
    if (this.#roster.spend(place)) this.#again = true;
    return undefined;
  }

  /** No task waits behind a busy worker while another is idle. */
  #rebalance(): void {
    if (this.#backlog.shared.peek() !== undefined || !this.#anyToShare()) return;
    for (const place of this.places) {
      if (place === undefined || place.phase !== 'ready') continue;
      while (!place.full && this.#hasRoom(place, 0)) {
        const job = this.#stealable(place);
        if (job === undefined) return;
        this.takeTail(job);
        const next = this.#backlog.front();
        if (next === undefined) break;
        if (!this.#suits(place, next)) return;
        this.#backlog.shared.shift();
        const half =
          next.count > 1 && next.from > job.from ? this.#backlog.split(next, next.count >> 1) : next;
        const left = this.#post(place, half);
        if (left !== undefined) return this.#putBack(left);
      }
    }
    this.#again ||= this.#backlog.shared.peek() !== undefined;
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

  // ---- bookkeeping ------------------------------------------------------------------------------------------

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
    if (!job.group.cancelled) this.#backlog.add(piece(job.group, job.from + started, rest), true);
  }

  /** What a dead worker had not started of a job. Jobs that lose worker after worker are given up. */
  #moveOn(job: Job, started: number): void {
    if (job.group.cancelled) return;
    const deaths = started > 0 ? 0 : job.deaths + 1;
    const rest = piece(job.group, job.from + started, job.kept - started, deaths);
    job.kept = started;
    if (deaths < DEATHS) return this.#backlog.add(rest, true);
    this.finish(rest);
    this.#deeds.giveUp([rest], 'deaths');
  }

  /** A dead worker's job: what ran is lost, what had not started moves. */
  #recover(place: Place, job: Job): void {
    if (isDivisible(job)) this.#divisible -= 1;
    const started = Math.min(this.#deeds.started(place, job), job.kept);
    if (started > 0) this.#roster.began(place);
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
}

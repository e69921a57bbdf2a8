/**
 * The engine of this machine: threads, driven by the decisions of `state.ts`.
 *
 *   submit ─▶ Group ─▶ Job ──PoolState──▶ WorkerHost.tryPost ─▶ ring ─▶ worker
 *                                                                         │
 *   sink ◀── result / fault ◀── events() ◀── Inbox ◀── ring ◀─────────────┘
 *
 * A call is a JobSpec when it arrives, a Job (one piece of it) while it is queued or posted, a slot number in
 * the worker, and an item index again when its result comes back.
 */
import { AssetStore, type Packed } from '../../codec/index.js';
import { EngineError, PoolClosedError, QueueFullError } from '../../errors.js';
import { fromWire } from '../../protocol/index.js';
import type { ExitReason, WorkerEvents, WorkerHandle, WorkerSpec } from '../../transport/index.js';
import type {
  Engine,
  EngineOperation,
  EngineStats,
  JobSpec,
  JobTicket,
  OperationSpec,
  Ran,
} from '../engine.js';
import { answerRequest, type NestedCalls, newNestedCalls } from './answer.js';
import type { GiveUp } from './deeds.js';
import { crashError, giveUpError, warnUnheard } from './faults.js';
import { type Group, type Job, piece } from './job.js';
import { LimitWatch } from './limits.js';
import type { LocalEngineOptions } from './local-engine-options.js';
import { OperationLedger } from './operation-ledger.js';
import type { Place } from './place.js';
import { STOP_PATIENCE, startDelay } from './policy.js';
import { PoolState } from './state.js';
import { askToStop, endWorker } from './stopping.js';
import { ticketOf } from './ticket.js';
import { Upkeep } from './upkeep.js';
import { WorkerHost } from './worker-host.js';

export class LocalEngine implements Engine {
  readonly size: number;
  readonly assets = new AssetStore();
  readonly #options: LocalEngineOptions;
  readonly #state: PoolState;
  readonly #hosts = new Map<Place, WorkerHost>();
  readonly #limits: LimitWatch;
  readonly #groups = new Set<Group>();
  readonly #operations = new OperationLedger((id) => {
    for (const host of this.#hosts.values()) host.forget(id);
  });
  readonly #upkeep: Upkeep;
  #accepted = 0;
  #done = 0;
  #failed = 0;
  #alive = false;
  #closed: 'no' | 'closing' | 'closed' = 'no';
  #broken: Error | undefined;
  readonly #onIdle: (() => void)[] = [];
  readonly #onGone: (() => void)[] = [];
  #lastExit: ExitReason | undefined;
  #flushPlanned = false;
  readonly #toFlush = new Set<WorkerHost>();

  constructor(options: LocalEngineOptions) {
    this.#options = options;
    this.size = options.workers;
    this.#state = new PoolState(options, {
      now: () => performance.now(),
      start: (place, failures) => this.#start(place, failures),
      tryPost: (place, job) => this.#tryPost(place, job),
      takeBack: (place, job) => this.#host(place).handle.close(job.slot),
      started: (place, job) => this.#host(place).handle.started(job.slot),
      stop: (place) => this.#upkeep.later(STOP_PATIENCE, endWorker(this.#host(place)), true),
      lost: (place, job, item) => this.#lost(place, job, item),
      over: (job) => this.#forgetIfOver(job.group),
      giveUp: (jobs, why) => this.#giveUp(jobs, why),
    });
    this.#upkeep = new Upkeep(this.#state, options.idleTimeout);
    this.#limits = new LimitWatch({
      now: () => performance.now(),
      runningSince: (job) => this.runningSince(job),
      expireItem: (job, error) => this.#expireItem(job, error),
      expireGroup: (group, error, waitingOnly) => this.#expireGroup(group, error, waitingOnly),
    });
  }

  // ---- the engine's calls -----------------------------------------------------------------------------------

  operation(spec: OperationSpec, internal = false): EngineOperation {
    if (this.#closed !== 'no' && !internal) throw this.#refusal();
    const id = this.#operations.add(spec);
    const close = (): void => {
      this.#operations.close(id);
      this.#tellIdle();
    };
    return { id, spec, close };
  }

  submit(spec: JobSpec, depth = 0): JobTicket {
    // What a map begun before `close` still sends was accepted with it.
    const accepted = spec.internal || spec.operation.spec.kind !== 'call';
    if (this.#closed === 'closed' || (this.#closed === 'closing' && !accepted)) throw this.#refusal();
    if (this.#broken !== undefined) throw this.#broken;
    if (!spec.internal && spec.count > this.room()) {
      throw new QueueFullError(
        `${this.#options.name} has its queueLimit of ${this.#options.queueLimit} tasks waiting: await some before you send more`,
      );
    }
    const group: Group = {
      spec,
      pieces: new Set(),
      submittedAt: performance.now(),
      depth,
      cancelled: false,
    };
    this.#accepted += spec.count;
    this.#groups.add(group);
    this.#operations.jobBegins(spec.operation.id);
    const job = piece(group, spec.from, spec.count);
    this.#keepAlive();
    if (spec.delay > 0) {
      this.#upkeep.later(spec.delay, () => {
        if (!group.cancelled) this.#state.submit(job);
      });
    } else {
      this.#state.submit(job);
    }
    this.#limits.add(group);
    this.#upkeep.planSplit();
    return ticketOf(group, this);
  }

  stats(): EngineStats {
    let running = 0;
    let busy = 0;
    let workers = 0;
    for (const host of this.#hosts.values()) {
      if (host.place.phase !== 'stopping') workers += 1;
      const runs = [...host.place.posted].filter((job) => this.#isRunning(job));
      // What was cancelled or ran out of time has failed already, though it may still be there.
      const here = runs.filter((job) => !job.group.cancelled && job.abandoned !== job.results).length;
      // What is beyond that has ended; word of it is on its way.
      running += Math.min(here, this.#options.tasksPerWorker + host.place.waiting);
      // Between the end of one task and the start of the next a worker is no less busy.
      if ([...host.place.posted].some((job) => job.results < job.kept)) busy += 1;
    }
    const queued = Math.max(0, this.#accepted - this.#done - this.#failed - running);
    return { queued, running, done: this.#done, failed: this.#failed, workers, busy };
  }

  room(): number {
    const { queueLimit, workers, tasksPerWorker } = this.#options;
    if (queueLimit === Number.POSITIVE_INFINITY) return queueLimit;
    // A task for which a worker is free does not wait, even where the worker has not begun it yet.
    const places = workers * tasksPerWorker + this.#state.waiting;
    return Math.max(0, queueLimit + places - (this.#accepted - this.#done - this.#failed));
  }

  async close(): Promise<void> {
    if (this.#closed === 'no') this.#closed = 'closing';
    // Looked at again: what fails last may be tried once more.
    while (this.#busy) await new Promise<void>((resolve) => this.#onIdle.push(resolve));
    if (this.#closed === 'closing') {
      this.#closed = 'closed';
      for (const place of [...this.#state.places]) {
        if (place?.phase === 'starting') this.#hosts.get(place)?.handle.terminate();
        else if (place !== undefined) this.#state.release(place);
      }
    }
    await this.#allGone();
  }

  async terminate(reason: Error): Promise<void> {
    this.#closed = 'closed';
    this.#upkeep.clear();
    for (const group of [...this.#groups]) this.#failGroup(group, reason);
    for (const host of this.#hosts.values()) host.handle.terminate();
    await this.#allGone();
  }

  async #allGone(): Promise<void> {
    this.#upkeep.stopLooking();
    if (this.#hosts.size === 0) return;
    const gone = new Promise<void>((resolve) => this.#onGone.push(resolve));
    this.#keepAlive();
    await gone;
  }

  // ---- what tickets and nested calls ask --------------------------------------------------------------------

  /** What runs in a slot of a worker, as the worker's own requests name it. */
  running(place: Place, slot: number): Group | undefined {
    return this.#hosts.get(place)?.jobs[slot]?.group;
  }

  runningSince(job: Job): number {
    if (job.place === undefined || !this.#isRunning(job) || job.abandoned === job.results) return 0;
    const since = this.#host(job.place).handle.startedAt(job.slot);
    return since === 0 ? job.postedAt : since;
  }

  cancel(group: Group, reason: unknown): void {
    if (!this.#groups.has(group)) return;
    // Not told to the sink any more, so counted here.
    let open = 0;
    for (const job of group.pieces) open += job.kept - job.results - (job.abandoned >= job.results ? 1 : 0);
    this.#failed += open;
    this.#limits.remove(group);
    const running = this.#state.cancel(group);
    for (const job of running) this.#askToStop(job, -1, reason, 'was cancelled');
    this.#forgetIfOver(group);
  }

  credit(group: Group, count: number): void {
    for (const job of group.pieces) {
      if (job.place !== undefined) {
        this.#hosts.get(job.place)?.handle.send({ type: 'credit', slot: job.slot, count });
      }
    }
  }

  // ---- workers ----------------------------------------------------------------------------------------------

  #start(place: Place, failures: number): void {
    const delay = startDelay(failures);
    if (delay > 0) this.#upkeep.later(delay, () => this.#startNow(place));
    else this.#startNow(place);
  }

  #startNow(place: Place): void {
    if (this.#closed === 'closed') return this.#state.workerGone(place);
    const { name, init, startWorker } = this.#options;
    const nested = newNestedCalls();
    for (const asset of init?.assets ?? []) this.assets.add(asset);
    const { worker } = place;
    const spec: WorkerSpec = { ...this.#options, worker, name: `${name}:${worker}` };
    let handle: WorkerHandle;
    try {
      handle = startWorker(spec, this.#events(place, nested), this.assets);
    } catch (error) {
      // Such as flags that a thread cannot have: a start that failed, not a fault of whose task asked for it.
      this.#upkeep.later(0, () => this.#exited(place, nested, { code: undefined, error }));
      return;
    }
    const host = new WorkerHost(place, handle, this.assets);
    this.#hosts.set(place, host);
    if (this.#alive) handle.ref();
    else handle.unref();
  }

  #events(place: Place, nested: NestedCalls): WorkerEvents {
    const state = this.#state;
    const at = (slot: number): Job | undefined => this.#hosts.get(place)?.jobs[slot];
    return {
      ready: () => {
        state.workerReady(place);
        this.#upkeep.planSplit();
        this.#upkeep.planIdle();
      },
      failed: (error) => this.#options.initError(error, (cause) => this.#break(cause)),
      result: (slot, item, failed, body, finishedAt) => {
        const job = at(slot);
        if (job !== undefined) this.#result(place, job, item, failed, body, finishedAt);
      },
      results: (slot, first, batch) => {
        const job = at(slot);
        if (job === undefined) return;
        this.#state.itemsDone(job, batch.count);
        // An operation with a `timeout`, whose items can be given up while they run, sends each result by itself.
        if (job.group.cancelled) return;
        this.#done += batch.count;
        job.spec.sink.results(job.base + first, batch, place.worker);
      },
      stream: (slot, item, part) => {
        const job = at(slot);
        if (job === undefined) return;
        const unwanted = job.group.cancelled || job.abandoned === item;
        if (part.step !== 'open' && part.step !== 'value') this.#count(job, part.step === 'error');
        if (unwanted) return;
        const event =
          part.step === 'value' || part.step === 'error'
            ? { step: part.step, body: fromWire(part.body, this.assets) }
            : part;
        job.spec.sink.stream(job.base + item, event, this.#ran(place, job, 0));
      },
      progress: (slot, item, done, total) => {
        const job = at(slot);
        if (job !== undefined && !job.group.cancelled) job.spec.sink.progress(job.base + item, done, total);
      },
      end: (slot, started, elapsed) => this.#ended(place, slot, started, elapsed),
      fetch: (slot) => this.#host(place).sendParts(slot),
      waiting: (_slot, waiting) => state.taskWaits(place, waiting),
      request: (request) =>
        answerRequest(
          this,
          nested,
          request,
          (reply, transfer) => {
            this.#hosts.get(place)?.handle.send({ type: 'reply', reply }, transfer);
          },
          place,
        ),
      stopping: () => this.#host(place).hearStop(),
      stopped: () => this.#hosts.get(place)?.handle.terminate(),
      exit: (reason) => this.#exited(place, nested, reason),
    };
  }

  #result(place: Place, job: Job, item: number, failed: boolean, body: Packed, finishedAt: number): void {
    const ran = this.#ran(place, job, this.#host(place).handle.toLocalTime(finishedAt));
    const unwanted = job.group.cancelled || job.abandoned === item;
    this.#count(job, failed);
    if (!unwanted) job.spec.sink.result(job.base + item, failed, body, ran);
  }

  #count(job: Job, failed: boolean): void {
    const told = job.group.cancelled || job.abandoned === job.results;
    this.#state.itemsDone(job, 1);
    if (told) return;
    if (failed) this.#failed += 1;
    else this.#done += 1;
  }

  #ran(place: Place, job: Job, finishedAt: number): Ran {
    return { worker: place.worker, startedAt: this.#host(place).handle.startedAt(job.slot), finishedAt };
  }

  #ended(place: Place, slot: number, started: number, elapsed: number): void {
    const host = this.#host(place);
    const job = host.jobs[slot];
    if (job === undefined) return;
    host.free(slot);
    if (started > 0 && !job.group.cancelled) job.spec.sink.measured?.(started, elapsed);
    this.#state.jobEnded(place, job, started, elapsed);
    this.#upkeep.planSplit();
    this.#upkeep.planIdle();
  }

  #exited(place: Place, nested: NestedCalls, reason: ExitReason): void {
    const host = this.#hosts.get(place);
    this.#lastExit = reason;
    if (place.phase === 'ready' && ![...place.posted].some((job) => this.#isRunning(job))) {
      warnUnheard(this.#options.name, place.worker, reason.error);
    }
    if (host !== undefined && host.stopReason === undefined) host.exit = reason;
    nested.cancelAll(new PoolClosedError('the worker of the task that made this call is gone'));
    this.#state.workerGone(place);
    this.#hosts.delete(place);
    if (this.#hosts.size === 0) for (const resolve of this.#onGone.splice(0)) resolve();
  }

  /** `init` failed: no worker of this pool can work, and every task says why. */
  #break(cause: Error): void {
    const error = new EngineError(`init of ${this.#options.name} failed in a worker: ${cause.message}`, {
      cause,
    });
    this.#broken = error;
    for (const group of [...this.#groups]) this.#failGroup(group, error);
    for (const host of this.#hosts.values()) host.handle.terminate();
  }

  // ---- jobs -------------------------------------------------------------------------------------------------

  #tryPost(place: Place, job: Job): boolean {
    const host = this.#hosts.get(place);
    if (host === undefined || !host.tryPost(job)) return false;
    this.#toFlush.add(host);
    if (!this.#flushPlanned) {
      this.#flushPlanned = true;
      // One publication for all that is submitted in one go.
      queueMicrotask(() => {
        this.#flushPlanned = false;
        for (const each of this.#toFlush) each.handle.flush(each.place.average);
        this.#toFlush.clear();
      });
    }
    return true;
  }

  #lost(place: Place, job: Job, item: number): void {
    if (job.abandoned === item) return;
    this.#failed += 1;
    const error = crashError(this.#host(place), job, item);
    job.spec.sink.fault(job.base + item, error, this.#ran(place, job, performance.now()));
  }

  #giveUp(jobs: readonly Job[], why: GiveUp): void {
    const error = giveUpError(this.#options.name, why, this.#lastExit);
    for (const job of jobs) {
      if (job.group.cancelled) continue;
      this.#failed += job.count;
      for (let item = 0; item < job.count; item++) job.spec.sink.fault(job.base + item, error, undefined);
    }
  }

  /** Every item of the group that was not told yet fails. */
  #failGroup(group: Group, error: Error): void {
    const { spec } = group;
    const open: number[] = [];
    for (const job of group.pieces) {
      for (let item = job.results; item < job.kept; item++) {
        if (item !== job.abandoned) open.push(job.base + item);
      }
    }
    this.cancel(group, error);
    for (const index of open) spec.sink.fault(index, error, undefined);
  }

  #expireGroup(group: Group, error: Error, waitingOnly: boolean): void {
    if (!waitingOnly) return this.#failGroup(group, error);
    const open: number[] = [];
    for (const job of [...group.pieces]) {
      const from = job.place === undefined ? 0 : job.count - this.#state.keepStarted(job);
      for (let item = from; item < job.count; item++) open.push(job.base + item);
      if (job.phase === 'queued') this.#state.drop(job);
    }
    this.#failed += open.length;
    for (const index of open) group.spec.sink.fault(index, error, undefined);
    this.#forgetIfOver(group);
  }

  #expireItem(job: Job, error: Error): void {
    const { place } = job;
    if (place === undefined) return;
    const item = job.results;
    job.abandoned = item;
    this.#failed += 1;
    this.#state.takeTail(job);
    this.#askToStop(job, item, error, error.message);
    job.spec.sink.fault(job.base + item, error, this.#ran(place, job, performance.now()));
    this.#state.dispatch();
  }

  #askToStop(job: Job, item: number, reason: unknown, why: string): void {
    const { place } = job;
    const host = place === undefined ? undefined : this.#hosts.get(place);
    if (place === undefined || host === undefined) return;
    const force = askToStop(host, job, item, reason, why, () => this.#state.retire(place));
    this.#upkeep.later(job.spec.limits.grace, force, true);
  }

  #forgetIfOver(group: Group): void {
    if (group.pieces.size > 0 || !this.#groups.delete(group)) return;
    this.#limits.remove(group);
    this.#operations.jobEnds(group.spec.operation.id);
    if (this.#groups.size > 0) return;
    this.#keepAlive();
    this.#tellIdle();
  }

  /** Jobs are under way, or an operation that may send more is open. */
  get #busy(): boolean {
    return this.#groups.size > 0 || this.#operations.open > 0;
  }

  #tellIdle(): void {
    if (!this.#busy) for (const resolve of this.#onIdle.splice(0)) resolve();
  }

  #refusal = (): PoolClosedError =>
    new PoolClosedError(`${this.#options.name} is closed: it takes no more tasks`);

  // ---- timers and life --------------------------------------------------------------------------------------

  #isRunning(job: Job): boolean {
    if (job.place === undefined || job.phase !== 'posted') return false;
    const host = this.#hosts.get(job.place);
    return host !== undefined && Math.min(host.handle.started(job.slot), job.kept) > job.results;
  }

  #host(place: Place): WorkerHost {
    const host = this.#hosts.get(place);
    if (host === undefined)
      throw new EngineError(`worker ${place.worker} is ${place.phase} and has no thread`);
    return host;
  }

  /** Threads keep the process alive while work is in flight or somebody waits for their end, and only then. */
  #keepAlive(): void {
    const alive = this.#groups.size > 0 || this.#onGone.length > 0;
    if (alive === this.#alive) return;
    this.#alive = alive;
    for (const host of this.#hosts.values()) {
      if (alive) host.handle.ref();
      else host.handle.unref();
    }
  }
}

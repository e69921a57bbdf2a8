/**
 * The engine of this machine: threads or processes, driven by the decisions of `state.ts`.
 *
 *   submit ─▶ Group ─▶ Job ──PoolState──▶ WorkerHost.tryPost ─▶ ring ─▶ worker
 *                                                                         │
 *   sink ◀── result / fault ◀── events() ◀── Inbox ◀── ring ◀─────────────┘
 *
 * A call is a JobSpec when it arrives, a Job (one piece of it) while it is queued or posted, a slot number in
 * the worker, and an item index again when its result comes back.
 */
import { AssetStore } from '../../codec/index.js';
import { EngineError, PoolClosedError } from '../../errors.js';
import type { NestedReply } from '../../protocol/index.js';
import { type ExitReason, Keeper, type WorkerEvents } from '../../transport/index.js';
import type { Engine, EngineOperation, EngineStats, JobSpec, JobTicket, OperationSpec } from '../engine.js';
import { Admission } from './admission.js';
import { answerRequest, type NestedCalls, newNestedCalls } from './answer.js';
import { AssetFarewell } from './asset-farewell.js';
import { initFailed, type LastDeath, warnUnheard } from './faults.js';
import { type Group, isSkipped, isUnwanted, type Job, newGroup, piece, untold } from './job.js';
import { LimitWatch } from './limits.js';
import type { LocalEngineOptions } from './local-engine-options.js';
import { MemoryWatch } from './memory-watch.js';
import { OperationLedger } from './operation-ledger.js';
import { Outcomes } from './outcomes.js';
import { countTasks, type Place } from './place.js';
import { STOP_PATIENCE, startDelay } from './policy.js';
import { Postings } from './postings.js';
import { RefLedger } from './ref-ledger.js';
import { PoolState } from './state.js';
import { askToStop, endWorker } from './stopping.js';
import { ticketOf } from './ticket.js';
import { Upkeep } from './upkeep.js';
import { startHost, type WorkerHost } from './worker-host.js';

export class LocalEngine implements Engine {
  readonly size: number;
  readonly burst = 256;
  readonly apart: boolean;
  readonly assets: AssetStore;
  readonly refs = new RefLedger((hash, ended) => {
    for (const host of this.#hosts.values()) host.dropValue(hash, ended);
  });
  readonly #farewell: AssetFarewell;
  readonly #options: LocalEngineOptions;
  readonly #state: PoolState;
  readonly #hosts = new Map<Place, WorkerHost>();
  readonly #limits: LimitWatch;
  readonly #groups = new Set<Group>();
  readonly #operations = new OperationLedger((id) => {
    for (const host of this.#hosts.values()) host.forget(id);
  });
  readonly #upkeep: Upkeep;
  readonly #tally: Admission;
  readonly #keeper = new Keeper();
  readonly #outcomes: Outcomes;
  readonly #memory: MemoryWatch;
  readonly #onIdle: (() => void)[] = [];
  readonly #onGone: (() => void)[] = [];
  #lastDeath: LastDeath | undefined;
  readonly #postings = new Postings();

  constructor(options: LocalEngineOptions) {
    this.#options = options;
    this.#tally = new Admission({
      ...options,
      places: () => options.workers * options.tasksPerWorker + this.#state.waiting,
    });
    this.size = options.workers;
    this.apart = options.apart;
    this.assets = new AssetStore(options.assetBounds);
    this.assets.keeper = this.refs;
    this.#farewell = new AssetFarewell(this.assets);
    this.#state = new PoolState(options, {
      now: () => performance.now(),
      start: (place, failures) => this.#start(place, failures),
      tryPost: (place, job) => this.#tryPost(place, job),
      takeBack: (place, job) => this.#host(place).handle.close(job.slot),
      started: (place, job) => this.#host(place).handle.started(job.slot),
      number: (place) => {
        const host = this.#hosts.get(place);
        host?.handle.send({ type: 'number', worker: place.worker });
      },
      stop: (place, ready) => this.#stop(place, ready),
      lost: (place, job, item) => this.#outcomes.lost(place, job, item),
      over: (job) => this.#forgetIfOver(job.group),
      giveUp: (jobs, why) => this.#outcomes.giveUp(jobs, why),
    });
    this.#upkeep = new Upkeep(this.#state, options.idleTimeout);
    this.#outcomes = new Outcomes({
      name: options.name,
      state: this.#state,
      tally: this.#tally,
      assets: this.assets,
      hosts: this.#hosts,
      lastDeath: () => this.#lastDeath,
      cancel: (group, reason) => this.cancel(group, reason),
      askToStop: (job, item, reason, why) => this.#askToStop(job, item, reason, why),
      forgetIfOver: (group) => this.#forgetIfOver(group),
      isRunning: (job) => this.#isRunning(job),
    });
    this.#memory = new MemoryWatch(options.maxMemory, {
      state: this.#state,
      hosts: this.#hosts,
      busy: () => this.#groups.size > 0,
      runs: (place) => [...place.posted].some((job) => this.#isRunning(job)),
    });
    this.#limits = new LimitWatch({
      now: () => performance.now(),
      waits: ({ place, phase, slot, kept }) =>
        phase === 'queued' || (place !== undefined && this.#host(place).handle.started(slot) < kept),
      // A result that waits for room here, because this thread is busy, is no running time.
      runningSince: (job) =>
        job.place !== undefined && this.#hosts.get(job.place)?.handle.isOver(job.slot)
          ? 0
          : this.runningSince(job),
      look: () => [...this.#hosts.values()].map((host) => host.handle.look()).every(Boolean),
      expireItem: (job, error) => this.#outcomes.expireItem(job, error),
      expireGroup: (group, error, waitingOnly) => this.#outcomes.expireGroup(group, error, waitingOnly),
    });
  }

  // ---- the engine's calls -----------------------------------------------------------------------------------

  operation(spec: OperationSpec, internal = false): EngineOperation {
    if (this.#tally.phase !== 'open' && !internal) throw this.#tally.refusal();
    const id = this.#operations.add(spec);
    const close = (): void => {
      this.#operations.close(id);
      this.#tellIdle();
    };
    return { id, spec, cost: undefined, close };
  }

  check(calls = 1): void {
    this.#tally.check(calls, false);
  }

  accept(): void {
    this.#tally.admit(1);
  }

  withdraw(): void {
    this.#tally.failed += 1;
    this.#tellIdle();
  }

  ranHere(count: number): void {
    this.#tally.ranHere(count);
  }

  expect(jobs: number, pinned: number): void {
    if (this.#hosts.size > 0 || this.#tally.phase !== 'open') return;
    this.#state.expect(Math.min(jobs, this.room()), pinned);
  }

  submit(spec: JobSpec, depth = 0): JobTicket {
    const { count, operation } = spec;
    if (spec.accepted) this.#tally.arrive(count);
    else {
      if (spec.internal) this.#tally.checkAlive();
      // What a map begun before `close` still sends was accepted with it.
      else this.#tally.check(count, operation.spec.kind !== 'call');
      this.#tally.admit(count);
    }
    this.#tally.failed += spec.skipped?.size ?? 0;
    const group = newGroup(spec, depth);
    this.#groups.add(group);
    this.#operations.jobBegins(operation.id);
    const job = piece(group, spec.from, count);
    this.#keepAlive();
    if (spec.delay > 0) {
      this.#upkeep.later(spec.delay, () => {
        if (job.phase !== 'queued') return;
        this.#limits.queued(group);
        this.#state.submit(job);
      });
    } else {
      this.#postings.during(() => this.#state.submit(job));
    }
    if (group.pieces.size > 0) this.#limits.add(group);
    this.#upkeep.planSplit();
    this.#memory.plan();
    return ticketOf(group, this);
  }

  stats(): EngineStats {
    const isRunning = (job: Job): boolean => this.#isRunning(job) && !isUnwanted(job, job.results);
    const places = [...this.#hosts.keys()];
    const now = countTasks(places, this.#options.tasksPerWorker, isRunning);
    const { inside, done, failed } = this.#tally;
    return { queued: Math.max(0, inside - now.running), ...now, done, failed, ...this.refs.stats() };
  }

  room(): number {
    return this.#tally.room();
  }

  async close(): Promise<void> {
    if (this.#tally.phase === 'open') this.#tally.phase = 'closing';
    // Looked at again: what fails last may be tried once more.
    while (this.#busy) await new Promise<void>((resolve) => this.#onIdle.push(resolve));
    if (this.#tally.phase === 'closing') {
      this.#tally.phase = 'closed';
      for (const place of [...this.#state.places]) {
        if (place?.phase === 'starting') this.#hosts.get(place)?.handle.terminate();
        else if (place !== undefined) this.#state.release(place);
      }
      this.#state.endReserve();
    }
    await this.#allGone();
  }

  async terminate(reason: Error): Promise<void> {
    this.#tally.phase = 'closed';
    this.#upkeep.clear();
    this.#state.endReserve();
    const waited = new PoolClosedError(`${reason.message} before this task began`);
    for (const group of [...this.#groups]) this.#outcomes.endGroup(group, reason, waited);
    for (const host of this.#hosts.values()) host.handle.terminate();
    await this.#allGone();
  }

  async #allGone(): Promise<void> {
    this.#upkeep.stopLooking();
    this.#memory.stop();
    this.refs.close();
    if (this.#hosts.size > 0) {
      const gone = new Promise<void>((resolve) => this.#onGone.push(resolve));
      this.#keepAlive();
      await gone;
    }
    this.#keeper.close();
  }

  // ---- what tickets and nested calls ask --------------------------------------------------------------------

  /** What runs in a slot of a worker, as the worker's own requests name it. */
  running(place: Place, slot: number): Group | undefined {
    return this.#hosts.get(place)?.jobs[slot]?.group;
  }

  reply(place: Place, reply: NestedReply, transfer: readonly unknown[]): void {
    this.#hosts.get(place)?.handle.send({ type: 'reply', reply }, transfer);
  }

  runningSince(job: Job): number {
    if (job.place === undefined || !this.#isRunning(job) || isSkipped(job, job.results)) return 0;
    const since = this.#host(job.place).handle.startedAt(job.slot);
    return since === 0 ? job.postedAt : since;
  }

  cancel(group: Group, reason: unknown): void {
    if (!this.#groups.has(group)) return;
    // Not told to the sink any more, so counted here.
    let open = 0;
    for (const job of group.pieces) open += untold(job, job.results, job.kept).length;
    this.#tally.failed += open;
    this.#limits.remove(group);
    const running = this.#state.cancel(group);
    for (const job of running) this.#askToStop(job, -1, reason, 'was cancelled');
    this.#forgetIfOver(group);
  }

  cancelItem(job: Job, item: number, reason: unknown): void {
    if (item < job.results || isSkipped(job, item)) return;
    this.#tally.failed += 1;
    if (this.#state.skip(job, item)) this.#askToStop(job, item, reason, 'was cancelled');
  }

  credit(job: Job, count: number): void {
    if (job.place === undefined) return;
    this.#hosts.get(job.place)?.handle.send({ type: 'credit', slot: job.slot, count });
  }

  // ---- workers ----------------------------------------------------------------------------------------------

  #start(place: Place, failures: number): void {
    const delay = startDelay(failures);
    if (delay === 0) return this.#startNow(place);
    // Nobody waits for one of the reserve.
    this.#upkeep.later(delay, () => this.#startNow(place), place.worker < 0);
  }

  #stop(place: Place, ready: boolean): void {
    const host = this.#hosts.get(place);
    // Not begun yet: its start comes later, and finds that it is not wanted.
    if (host === undefined) return;
    if (ready) this.#upkeep.later(STOP_PATIENCE, endWorker(host), true);
    else host.handle.terminate();
  }

  #startNow(place: Place): void {
    if (this.#tally.phase === 'closed' || place.phase !== 'starting') return this.#state.workerGone(place);
    const nested = newNestedCalls((body) => this.#host(place).wire(body));
    try {
      const host = startHost(place, this.#options, this.#events(place, nested), this.assets, this.refs);
      this.#hosts.set(place, host);
    } catch (error) {
      this.#upkeep.later(0, () => {
        this.#exited(place, nested, { code: undefined, error });
      });
    }
  }

  #events(place: Place, nested: NestedCalls): WorkerEvents {
    const state = this.#state;
    const at = (slot: number): Job | undefined => this.#hosts.get(place)?.jobs[slot];
    return {
      ready: () => {
        state.workerReady(place);
        this.#upkeep.planAll();
      },
      failed: (error) => {
        // One of the reserve counts for nothing.
        if (place.worker < 0) this.#hosts.get(place)?.handle.terminate();
        else this.#options.initError(error, (cause) => this.#fail(initFailed(this.#options.name, cause)));
      },
      result: (slot, item, failed, body, times) => {
        const job = at(slot);
        if (job !== undefined) this.#outcomes.result(place, job, item, failed, body, times);
      },
      results: (slot, first, batch) => {
        const job = at(slot);
        if (job !== undefined) this.#outcomes.results(place, job, first, batch);
      },
      stream: (slot, item, part) => {
        const job = at(slot);
        if (job !== undefined) this.#outcomes.stream(place, job, item, part);
      },
      progress: (slot, item, done, total) => {
        const job = at(slot);
        if (job !== undefined && !job.group.cancelled) job.spec.sink.progress(job.base + item, done, total);
      },
      end: (slot, started, elapsed) => this.#ended(place, slot, started, elapsed),
      returned: (slot, started) => state.jobReturned(place, at(slot), started),
      fetch: (slot) => this.#host(place).sendParts(slot),
      waiting: (_slot, waiting) => state.taskWaits(place, waiting),
      request: (request) => answerRequest(this, nested, request, place),
      memory: (bytes) => this.#memory.heard(place, bytes),
      unlearned: () => this.#farewell.heard(this.#hosts.get(place)),
      stopping: () => this.#host(place).hearStop(),
      stopped: () => this.#hosts.get(place)?.handle.terminate(),
      exit: (reason) => this.#exited(place, nested, reason),
    };
  }

  #ended(place: Place, slot: number, started: number, elapsed: number): void {
    const host = this.#host(place);
    const job = host.jobs[slot];
    if (job === undefined) return;
    host.free(slot);
    this.#farewell.begin(this.#hosts.values());
    if (started > 0 && !job.group.cancelled) job.spec.sink.measured?.(started, elapsed);
    this.#state.jobEnded(place, job, started, elapsed);
    this.#upkeep.planAll();
  }

  #exited(place: Place, nested: NestedCalls, reason: ExitReason): void {
    const host = this.#hosts.get(place);
    const counts = place.worker >= 0;
    if (counts) this.#lastDeath = { exit: reason, heapLimit: host?.heapLimit };
    if (counts && place.phase === 'ready' && ![...place.posted].some((job) => this.#isRunning(job))) {
      warnUnheard(this.#options.name, place.worker, reason.error);
    }
    if (host !== undefined && host.stopReason === undefined) host.exit = reason;
    nested.cancelAll(new PoolClosedError('the worker of the task that made this call is gone'));
    this.#state.workerGone(place);
    this.#hosts.delete(place);
    this.#farewell.heard(host);
    this.refs.left(place);
    if (this.#hosts.size === 0) for (const resolve of this.#onGone.splice(0)) resolve();
  }

  /** No worker of this pool can work, and every task says why. */
  #fail(error: EngineError): void {
    this.#tally.broken = error;
    for (const group of [...this.#groups]) this.#outcomes.failGroup(group, error);
    for (const host of this.#hosts.values()) host.handle.terminate();
  }

  // ---- jobs -------------------------------------------------------------------------------------------------

  #tryPost(place: Place, job: Job): boolean {
    const host = this.#hosts.get(place);
    if (host === undefined || !host.tryPost(job)) return false;
    this.#postings.add(host);
    return true;
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

  // ---- timers and life --------------------------------------------------------------------------------------

  #isRunning(job: Job): boolean {
    if (job.place === undefined || job.phase !== 'posted') return false;
    const host = this.#hosts.get(job.place);
    return host !== undefined && Math.min(host.handle.started(job.slot), job.kept) > job.results;
  }

  #host(place: Place): WorkerHost {
    const host = this.#hosts.get(place);
    if (host !== undefined) return host;
    throw new EngineError(`worker ${place.worker} is ${place.phase} and has not been started`);
  }

  /** The process lives while work is in flight or somebody waits for the workers' end. */
  #keepAlive(): void {
    this.#keeper.keep(this.#groups.size > 0 || this.#onGone.length > 0);
  }
}

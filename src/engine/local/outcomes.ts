/** What became of items: told to their sinks, once each, and counted. */
import type { AssetStore, Packed } from '../../codec/index.js';
import { EngineError, PoolClosedError } from '../../errors.js';
import type { ItemTimes, StreamPart } from '../../protocol/index.js';
import { type Batch, partOf } from '../../transport/index.js';
import type { Ran } from '../engine.js';
import { streamEvent } from '../stream-event.js';
import type { Admission } from './admission.js';
import type { GiveUp } from './deeds.js';
import { crashError, endedError, giveUpError, type LastDeath } from './faults.js';
import { type Group, isSkipped, isUnwanted, type Job, untold, wantedRuns } from './job.js';
import type { Place } from './place.js';
import type { PoolState } from './state.js';
import type { WorkerHost } from './worker-host.js';

export interface OutcomesHost {
  readonly name: string;
  readonly state: PoolState;
  readonly tally: Admission;
  readonly assets: AssetStore;
  readonly hosts: ReadonlyMap<Place, WorkerHost>;
  /** How the last worker died. */
  lastDeath(): LastDeath | undefined;
  cancel(group: Group, reason: unknown): void;
  askToStop(job: Job, item: number, reason: unknown, why: string): void;
  forgetIfOver(group: Group): void;
  isRunning(job: Job): boolean;
}

export class Outcomes {
  readonly #engine: OutcomesHost;

  constructor(engine: OutcomesHost) {
    this.#engine = engine;
  }

  // ---- what workers send --------------------------------------------------------------------------------------

  result(place: Place, job: Job, item: number, failed: boolean, body: Packed, times: ItemTimes): void {
    const { handle } = this.#host(place);
    const startedAt = times.began === 0 ? 0 : handle.toLocalTime(times.began);
    const ran = { worker: place.worker, startedAt, finishedAt: handle.toLocalTime(times.over) };
    const unwanted = isUnwanted(job, item);
    this.#count(job, failed);
    if (!unwanted) job.spec.sink.result(job.base + item, failed, body, ran);
  }

  results(place: Place, job: Job, first: number, batch: Batch): void {
    const { state, tally } = this.#engine;
    state.itemsDone(job, batch.count);
    if (job.group.cancelled) return;
    if (batch.kind === 'entries' && batch.timed)
      batch.since = this.#host(place).handle.toLocalTime(batch.since);
    const { sink } = job.spec;
    if (job.group.skipped === undefined) {
      tally.done += batch.count;
      return sink.results(job.base + first, batch, place.worker);
    }
    for (const run of wantedRuns(job, first, first + batch.count)) {
      tally.done += run.count;
      const wanted = partOf(batch, run.first - first, run.count);
      sink.results(job.base + run.first, wanted, place.worker);
    }
  }

  stream(place: Place, job: Job, item: number, part: StreamPart): void {
    const unwanted = isUnwanted(job, item);
    if (part.step !== 'open' && part.step !== 'value') this.#count(job, part.step === 'error');
    if (unwanted) return;
    job.spec.sink.stream(job.base + item, streamEvent(part, this.#engine.assets), this.#ran(place, job, 0));
  }

  #count(job: Job, failed: boolean): void {
    const { state, tally } = this.#engine;
    const told = isUnwanted(job, job.results);
    state.itemsDone(job, 1);
    if (told) return;
    if (failed) tally.failed += 1;
    else tally.done += 1;
  }

  // ---- what the engine finds ----------------------------------------------------------------------------------

  lost(place: Place, job: Job, item: number): void {
    if (isSkipped(job, item)) return;
    this.#engine.tally.failed += 1;
    const error = crashError(this.#host(place), job, item);
    job.spec.sink.fault(job.base + item, error, this.#ran(place, job, performance.now()));
  }

  giveUp(jobs: readonly Job[], why: GiveUp): void {
    const error = giveUpError(this.#engine.name, why, this.#engine.lastDeath());
    for (const job of jobs) {
      if (job.group.cancelled) continue;
      this.#fault(job.group, untold(job, 0, job.count), error);
    }
  }

  /** Every item of the group that was not told yet fails. */
  failGroup(group: Group, error: Error): void {
    const { spec } = group;
    const open = [...group.pieces].flatMap((job) => untold(job, job.results, job.kept));
    this.#engine.cancel(group, error);
    for (const index of open) spec.sink.fault(index, error, undefined);
  }

  /** As `failGroup`, where all work ends: each error says whether its task had begun. */
  endGroup(group: Group, reason: Error, waited: Error): void {
    // A reason of the user's own is handed on as it is.
    if (!(reason instanceof PoolClosedError)) return this.failGroup(group, reason);
    const { isRunning } = this.#engine;
    const { spec } = group;
    const open = [...group.pieces].flatMap((job) => untold(job, job.results, job.kept));
    const begun = new Map<number, number>();
    for (const job of group.pieces) {
      if (job.place !== undefined && isRunning(job)) begun.set(job.base + job.results, job.place.worker);
    }
    this.#engine.cancel(group, reason);
    for (const index of open) {
      const worker = begun.get(index);
      const error = worker === undefined ? waited : endedError(reason, group, index, worker);
      spec.sink.fault(index, error, undefined);
    }
  }

  expireGroup(group: Group, error: Error, waitingOnly: boolean): void {
    if (!waitingOnly) return this.failGroup(group, error);
    const { state } = this.#engine;
    const open: number[] = [];
    for (const job of [...group.pieces]) {
      const from = job.place === undefined ? 0 : job.count - state.keepStarted(job);
      open.push(...untold(job, from, job.count));
      if (job.phase === 'queued') state.finish(job);
    }
    this.#fault(group, open, error);
    this.#engine.forgetIfOver(group);
  }

  expireItem(job: Job, error: Error): void {
    const { place } = job;
    if (place === undefined) return;
    const item = job.results;
    this.#engine.tally.failed += 1;
    this.#engine.state.skip(job, item);
    this.#engine.askToStop(job, item, error, error.message);
    job.spec.sink.fault(job.base + item, error, this.#ran(place, job, performance.now()));
  }

  #fault({ spec }: Group, indices: readonly number[], error: Error): void {
    this.#engine.tally.failed += indices.length;
    for (const index of indices) spec.sink.fault(index, error, undefined);
  }

  /** Of the item that runs. */
  #ran(place: Place, job: Job, finishedAt: number): Ran {
    return { worker: place.worker, startedAt: this.#host(place).handle.startedAt(job.slot), finishedAt };
  }

  #host(place: Place): WorkerHost {
    const host = this.#engine.hosts.get(place);
    if (host !== undefined) return host;
    throw new EngineError(`worker ${place.worker} is ${place.phase} and has not been started`);
  }
}

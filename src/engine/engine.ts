/**
 * The seam between the calls users make and whatever runs them. An engine takes jobs (some items of an
 * operation, encoded) and tells each job's sink what became of every item, exactly once an item. It never
 * decodes: results pass through as bytes.
 */
import type { Keeper, Packed } from '../codec/index.js';
import type { OperationKind } from '../protocol/index.js';
import type { Batch, Body, Items } from '../transport/index.js';

export interface OperationSpec {
  readonly kind: OperationKind;
  readonly seed: number;
  /** The seed was asked for: an item's random stream depends on it and the item's index alone. */
  readonly seeded: boolean;
  /** Stamp when each item starts: needed for `timeout` and for times in `Future.info`. */
  readonly timed: boolean;
  readonly unboundedStreams: boolean;
  /** Nobody waits for single results: they may be told when their job ends. */
  readonly quiet: boolean;
  readonly fn: Packed | undefined;
}

export interface EngineOperation {
  readonly id: number;
  readonly spec: OperationSpec;
  /** ms an item takes, as far as the engine has measured it. */
  cost: number | undefined;
  /** No more jobs will come: workers may forget their copies once the last job is over. */
  close(): void;
}

/** Times in ms. */
export interface JobLimits {
  /** Longest running time of one item. */
  readonly timeout: number | undefined;
  /** Longest time before an item starts. */
  readonly queueTimeout: number | undefined;
  /** Longest time from submission to the end. */
  readonly deadline: number | undefined;
  /** Between asking a running item to stop and stopping its worker. */
  readonly grace: number;
}

export interface JobSpec {
  readonly operation: EngineOperation;
  /** Shown in errors. */
  readonly name: string | undefined;
  /** The number that the ids of its tasks are made of, with their places among those that were given as one. */
  readonly task: number;
  /** The first item's place among those. */
  readonly first: number;
  readonly items: Items;
  /** First item of `items` that belongs to this job, and how many. */
  readonly from: number;
  readonly count: number;
  /** Index of that first item in its operation. */
  readonly base: number;
  readonly attempt: number;
  readonly priority: number;
  /** The worker it has to run on, or -1. */
  readonly pinned: number;
  /** The worker gives back what it has not started after this time, in ms; 0 for never. */
  readonly chunkLimit: number;
  /** Wait this long before it may start, in ms. */
  readonly delay: number;
  readonly limits: JobLimits;
  /** Other attempts may follow, so what is moved has to stay here too. */
  readonly keepsParts: boolean;
  /** Already counted by `accept`: runs in a closing pool too, and past `queueLimit`. */
  readonly accepted: boolean;
  /** Another attempt, or a call of a running task: as part of work that was accepted before, it is not refused. */
  readonly internal: boolean;
  /** Places in `items` of calls that were cancelled before they were sent: counted, and not run. */
  readonly skipped: ReadonlySet<number> | undefined;
  readonly sink: JobSink;
}

/** Where and when an item ran. Times in ms of this thread's `performance.now`, 0 where not known. */
export interface Ran {
  readonly worker: number;
  readonly startedAt: number;
  readonly finishedAt: number;
}

/** A generator's task: it opens, yields, and ends or fails. */
export type StreamEvent =
  | { readonly step: 'open' }
  | { readonly step: 'end' }
  | { readonly step: 'value'; readonly body: Body }
  | { readonly step: 'error'; readonly body: Body };

/** Told exactly one of `result`, `results` and `fault` for every item, unless its job is cancelled. Indices are the operation's. */
export interface JobSink {
  result(index: number, failed: boolean, body: Body, ran: Ran): void;
  /** As `result` for consecutive items from `first` on, none of which failed; valid during the call only. */
  results(first: number, batch: Batch, worker: number): void;
  fault(index: number, error: Error, ran: Ran | undefined): void;
  stream(index: number, part: StreamEvent, ran: Ran): void;
  progress(index: number, done: number, total: number | undefined): void;
  /** A worker has run `count` items in `elapsed` ms, its own decoding and encoding included. */
  measured?(count: number, elapsed: number): void;
}

export type JobPhase = 'pending' | 'running' | 'over';

/** What can be asked of a job, by the operation's indices of its items. */
export interface JobTicket {
  phase(index: number): JobPhase;
  /** What a pending item waits for, in words. */
  explain(index: number): string;
  startedAt(index: number): number;
  /** Of its items the one that has run for longest: since when, and where. */
  running(): { readonly since: number; readonly worker: number } | undefined;
  worker(index: number): number;
  /** The sink hears no more of it. What has not started never will; what runs is asked to stop, then made to. */
  cancel(reason: unknown): void;
  /** As `cancel`, for one item; the others go on. */
  cancelItem(index: number, reason: unknown): void;
  /** The reader of a generator's task has taken `count` values. */
  credit(index: number, count: number): void;
}

export interface EngineStats {
  readonly queued: number;
  readonly running: number;
  readonly done: number;
  readonly failed: number;
  readonly workers: number;
  readonly busy: number;
  /** Values kept by `put` that have not ended, and the shared memory they take, in bytes. */
  readonly refs: number;
  readonly refBytes: number;
}

export interface Engine {
  /** Most workers it will have. */
  readonly size: number;
  /** Holds values of `put`. */
  readonly refs: Keeper;
  /** Its workers are other processes, which share no memory with this one. */
  readonly apart: boolean;
  /** Most calls that may be held back to be submitted as one. */
  readonly burst: number;
  /** Jobs are being made, for the worker `pinned` or any (-1): where no worker is there, some start meanwhile. */
  expect(jobs: number, pinned: number): void;
  operation(spec: OperationSpec): EngineOperation;
  /** @throws PoolClosedError, QueueFullError, or why `init` failed, where it takes no such number of calls now (1) */
  check(calls?: number): void;
  /** Counts one call as queued that will be submitted, or withdrawn. */
  accept(): void;
  /** Counts one that was accepted as failed: it will not be submitted. */
  withdraw(): void;
  /** @throws PoolClosedError, QueueFullError, or why `init` failed */
  submit(job: JobSpec): JobTicket;
  /**
   * Counts items that ran in the calling thread; absent where they may not.
   * @throws PoolClosedError, or why `init` failed
   */
  ranHere?(count: number): void;
  stats(): EngineStats;
  /** Items that may be sent now without one being refused for `queueLimit`. */
  room(): number;
  close(): Promise<void>;
  terminate(reason: Error): Promise<void>;
}

/** What the state machine asks of its shell. */
import type { Job } from './job.js';
import type { Place } from './place.js';

export interface Deeds {
  now(): number;
  /** Starts a worker; `workerReady` or `workerGone` follows. `failures` deaths at start came before. */
  start(place: Place, failures: number): void;
  /** Sends a job; false where the worker has no room now. */
  tryPost(place: Place, job: Job): boolean;
  /** Lets nothing more of a posted job start; how many items had, or `CLOSED` and more if closed before. */
  takeBack(place: Place, job: Job): number;
  /** How many items of a posted job have been claimed. */
  started(place: Place, job: Job): number;
  /** A worker of the reserve was given a number. */
  number(place: Place): void;
  /** The worker has nothing to do and is to end in peace, at once where it is not ready; `workerGone` follows. */
  stop(place: Place, ready: boolean): void;
  /** The worker died while this item (counted from the start of the piece) ran. */
  lost(place: Place, job: Job, item: number): void;
  /** Every item of the piece was told. */
  over(job: Job): void;
  /** These jobs cannot run, for this reason. */
  giveUp(jobs: readonly Job[], why: GiveUp): void;
}

export type GiveUp =
  /** Workers die before their first task, again and again. */
  | 'starts'
  /** Worker after worker died before this job could start: its own imports may be what kills them. */
  | 'deaths'
  /** Every slot of every worker is taken by a task that waits for others. */
  | 'slots';

export interface StateOptions {
  readonly workers: number;
  readonly tasksPerWorker: number;
  /** Items after which a worker is replaced. */
  readonly maxTasksPerWorker: number;
  /** Workers kept in reserve for those that die, once the pool has work. */
  readonly spares: number;
}

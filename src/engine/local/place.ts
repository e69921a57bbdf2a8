import type { Job } from './job.js';

/**
 * A worker as the state machine sees it.
 *
 * `starting` → `ready` → `retiring` → `stopping` → `gone`; any of them → `gone` when the worker dies. A
 * retiring worker takes no new job; its number already belongs to its replacement. One that was started ahead is in
 * reserve, `starting` or `ready`, until it is given a number.
 */
export interface Place {
  /** Its number; below 0 while it is in reserve. */
  worker: number;
  phase: 'starting' | 'ready' | 'retiring' | 'stopping' | 'gone';
  /** Jobs that were sent and are not over, in the order in which they were sent. */
  readonly posted: Set<Job>;
  /** Posted jobs that were not taken back as a whole: what the worker has to do. */
  load: number;
  /** Tasks that wait for the pool itself: each gives its place back meanwhile. */
  waiting: number;
  /** A job that may have killed a worker before: nothing else is posted beside it until it has started. */
  suspect: Job | undefined;
  /** It had no room for a job: it takes over nobody else's before one of its own has ended. */
  full: boolean;
  /** Items it has run. */
  ran: number;
  /** Moving average of a job's running time in ms; undefined until the first. */
  average: number | undefined;
  /** Since when it has had nothing to do, in ms. */
  idleSince: number;
  /** When it was ready, in ms. */
  readyAt: number;
  /** Its replacement is to be ready before it leaves. */
  due: Due | undefined;
  /** It was started ahead. */
  readonly fromReserve: boolean;
  /** Its start waits a while, since others have died at theirs. */
  startsLate: boolean;
}

export type Due =
  /** It has few tasks left to run, and leaves with the last of them. */
  | 'spent'
  /** It leaves as soon as another one is ready. */
  | 'unfit';

export function newPlace(worker: number, now: number): Place {
  return {
    worker,
    phase: 'starting',
    posted: new Set(),
    load: 0,
    waiting: 0,
    suspect: undefined,
    full: false,
    ran: 0,
    average: undefined,
    idleSince: now,
    readyAt: now,
    due: undefined,
    fromReserve: worker < 0,
    startsLate: false,
  };
}

/** Workers, those that are busy, and tasks that run; not what was cancelled or ran out of time: it has failed already. */
export function countTasks(
  places: readonly Place[],
  tasksPerWorker: number,
  isRunning: (job: Job) => boolean,
): { readonly workers: number; readonly busy: number; readonly running: number } {
  let [workers, busy, running] = [0, 0, 0];
  for (const { worker, phase, posted, waiting } of places) {
    // What is in reserve is no worker yet.
    if (worker < 0) continue;
    if (phase !== 'stopping') workers += 1;
    const jobs = [...posted];
    // What is beyond its places has ended; word of it is on its way.
    running += Math.min(jobs.filter(isRunning).length, tasksPerWorker + waiting);
    // Between the end of one task and the start of the next a worker is no less busy.
    if (jobs.some((job) => job.results < job.kept)) busy += 1;
  }
  return { workers, busy, running };
}

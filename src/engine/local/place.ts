import type { Job } from './job.js';

/**
 * A worker as the state machine sees it.
 *
 * `starting` → `ready` → `retiring` → `stopping` → `gone`; any of them → `gone` when the worker dies. A
 * retiring worker takes no new job; its number already belongs to its replacement.
 */
export interface Place {
  readonly worker: number;
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
}

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
  };
}

/** Workers, those that are busy, and tasks that run; not what was cancelled or ran out of time: it has failed already. */
export function countTasks(
  places: readonly Place[],
  tasksPerWorker: number,
  isRunning: (job: Job) => boolean,
): { readonly workers: number; readonly busy: number; readonly running: number } {
  let [workers, busy, running] = [0, 0, 0];
  for (const { phase, posted, waiting } of places) {
    if (phase !== 'stopping') workers += 1;
    const jobs = [...posted];
    // What is beyond its places has ended; word of it is on its way.
    running += Math.min(jobs.filter(isRunning).length, tasksPerWorker + waiting);
    // Between the end of one task and the start of the next a worker is no less busy.
    if (jobs.some((job) => job.results < job.kept)) busy += 1;
  }
  return { workers, busy, running };
}

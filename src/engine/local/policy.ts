/** Numbers and choices of the local engine, apart from the state they are applied to. */
import { isBurst, type Job } from './job.js';
import type { Place } from './place.js';

/**
 * Work that may lie in front of a worker beyond what it runs, in ms: more than the scheduler's slice that the parent may
 * have to wait for where every core has a worker. An idle worker takes it over, so it holds nobody up.
 */
const AHEAD = 8;
/** Most jobs that may lie there. */
const MOST_AHEAD = 128;
/** Weight of the newest measurement in the average of a worker's jobs. */
const NEWEST = 0.25;

/** Running time that several calls sent as one job are to take, in ms. */
const CALLS = 0.5;
/** Less is not worth waking another worker for. */
const LEAST_CALLS = 0.1;
/** Most calls in one job. */
const MOST_CALLS = 256;

/**
 * How many of a job's items may go to a worker as one. Calls made in one go are cut so that every worker has its part,
 * by the cost of the function's earlier calls: one by one while that is not known.
 */
export function portion(job: Job, workers: number, tasksPerWorker: number): number {
  const { count } = job;
  if (!isBurst(job)) return count;
  // Tasks that share a worker wait for something, perhaps for each other.
  if (tasksPerWorker > 1) return 1;
  const { cost } = job.spec.operation;
  if (cost === undefined) return 1;
  const share = Math.max(Math.ceil(count / workers), Math.floor(LEAST_CALLS / cost));
  return Math.max(1, Math.min(MOST_CALLS, Math.floor(CALLS / cost), share));
}

/** Deaths before the first task, one after the other, after which queued work is given up if no worker is ready. */
export const START_FAILURES = 3;
/** Workers that a job may lose before any of it has started; then it is given up. */
export const DEATHS = 4;
/** A job that runs this long is worth splitting for an idle worker, in ms. */
export const SPLIT_AFTER = 4;

/** How many jobs may be posted to a worker beyond those it can run at once. */
export function ahead(place: Place): number {
  const { average } = place;
  if (average === undefined) return 1;
  if (average > 5 * AHEAD) return 0;
  return Math.max(1, Math.min(MOST_AHEAD, Math.floor(AHEAD / average)));
}

/** How long a worker may take to hear that it is to end, in ms. */
export const STOP_PATIENCE = 1000;

export function averaged(before: number | undefined, newest: number): number {
  return before === undefined ? newest : before + NEWEST * (newest - before);
}

const LONGEST_PAUSE = 5000;

/** Pause before the next start after `failures` deaths at start, in ms. */
export function startDelay(failures: number): number {
  return failures === 0 ? 0 : Math.min(LONGEST_PAUSE, 50 * 2 ** (failures - 1));
}

/** How often the memory of worker processes is looked at, in ms. */
export const MEMORY_EVERY = 100;
/** A worker with so many times the memory that it may have is ended; with less, it is replaced and may end what it runs. */
export const MEMORY_TOLERANCE = 1.5;

/** A replacement starts so long before it is needed, in ms: several times what a start takes on a quiet machine. */
export const START_LEAD = 200;
/** How long after a pool's work has begun, or a spare was used, the next spare starts, in ms: that work comes first. */
export const SPARE_PAUSE = 200;

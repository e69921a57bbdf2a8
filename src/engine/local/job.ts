import type { JobSpec } from '../engine.js';
import type { Place } from './place.js';

/**
 * A piece of a submitted job: items `[from, from + count)` of its `spec.items`. A job that is taken back in
 * part goes on as a new piece; a submission is over when all its pieces are.
 */
export interface Job {
  readonly spec: JobSpec;
  readonly group: Group;
  readonly from: number;
  readonly count: number;
  /** Index of the first item in its operation. */
  readonly base: number;
  phase: 'queued' | 'posted' | 'over';
  place: Place | undefined;
  slot: number;
  /** When it was posted, in ms. */
  postedAt: number;
  /** Results received: items finish in order, so this is also the item that runs next. */
  results: number;
  /** How many items it keeps since the rest was taken back; `count` until then. */
  kept: number;
  /** Workers that died with it before any of it had started. */
  readonly deaths: number;
}

/** What all pieces of one submission share. */
export interface Group {
  readonly spec: JobSpec;
  readonly pieces: Set<Job>;
  readonly submittedAt: number;
  /** Since when it waits for a worker; Infinity while it pauses before another attempt. */
  queuedAt: number;
  /** 0 for calls from outside, one more for each call inside a task. */
  readonly depth: number;
  cancelled: boolean;
  /** Places in `spec.items` of items that were told early (out of time) or given up: not to run, no result wanted. */
  skipped: Set<number> | undefined;
}

export function newGroup(spec: JobSpec, depth: number): Group {
  const submittedAt = performance.now();
  const skipped = spec.skipped === undefined ? undefined : new Set(spec.skipped);
  const queuedAt = spec.delay > 0 ? Number.POSITIVE_INFINITY : submittedAt;
  return { spec, pieces: new Set(), submittedAt, queuedAt, depth, cancelled: false, skipped };
}

/** Calls that were made in one go: each is a task of its own. */
export function isBurst(job: Job): boolean {
  return job.count > 1 && job.spec.operation.spec.kind === 'call';
}

/** Nobody waits for what comes of the item. */
export function isUnwanted(job: Job, item: number): boolean {
  return job.group.cancelled || isSkipped(job, item);
}

/** Whether item number `item` of a piece is one of its group's skipped ones. */
export function isSkipped(job: Job, item: number): boolean {
  return job.group.skipped?.has(job.from + item) === true;
}

/** The items of a piece from number `from` up to `to` that are not skipped, as runs that follow each other. */
export function wantedRuns(job: Job, from = 0, to = job.count): { first: number; count: number }[] {
  const runs: { first: number; count: number }[] = [];
  let first = from;
  for (let i = from; i <= to; i++) {
    if (i < to && !isSkipped(job, i)) continue;
    if (i > first) runs.push({ first, count: i - first });
    first = i + 1;
  }
  return runs;
}

/** Indices of those of a piece's items from number `from` up to `to` that are not skipped. */
export function untold(job: Job, from: number, to: number): number[] {
  const indices: number[] = [];
  for (let item = from; item < to; item++) if (!isSkipped(job, item)) indices.push(job.base + item);
  return indices;
}

/** A part of a queued piece. */
export function part(job: Job, first: number, count: number): Job {
  return piece(job.group, job.from + first, count, job.deaths);
}

export function piece(group: Group, from: number, count: number, deaths = 0): Job {
  const job: Job = {
    spec: group.spec,
    group,
    from,
    count,
    base: group.spec.base + (from - group.spec.from),
    phase: 'queued',
    place: undefined,
    slot: -1,
    postedAt: 0,
    results: 0,
    kept: count,
    deaths,
  };
  group.pieces.add(job);
  return job;
}

/** An idle worker may take a part of it. */
export function isDivisible(job: Job): boolean {
  return job.count > 1 && job.spec.pinned < 0;
}

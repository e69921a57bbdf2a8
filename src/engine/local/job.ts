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
  /** An item whose failure was reported while it still ran, or -1: its result is not wanted. */
  abandoned: number;
}

/** What all pieces of one submission share. */
export interface Group {
  readonly spec: JobSpec;
  readonly pieces: Set<Job>;
  readonly submittedAt: number;
  /** 0 for calls from outside, one more for each call inside a task. */
  readonly depth: number;
  cancelled: boolean;
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
    abandoned: -1,
  };
  group.pieces.add(job);
  return job;
}

/** An idle worker may take a part of it. */
export function isDivisible(job: Job): boolean {
  return job.count > 1 && job.spec.pinned < 0;
}

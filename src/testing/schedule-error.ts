import { BoundedSearch } from './bounded.js';
import type { Choice } from './execution.js';
import type { Limits } from './explore.js';
import type { Program } from './program.js';
import { type Event, linesOf } from './trace.js';

/** How many runs are spent on a simpler schedule that fails too. */
const TRIES = 20_000;
const MOST_PREEMPTIONS = 3;

/** A schedule that fails: its message has what happened, step by step. */
export class ScheduleError extends Error {
  override name = 'ScheduleError';
  readonly path: readonly Choice[];
  /** Schedules that were run until one failed. */
  readonly schedules: number;
  readonly trace: string;

  constructor(reason: string, path: readonly Choice[], trace: string, schedules: number, cause: unknown) {
    super(`${reason}\n${trace}`, { cause });
    this.path = path;
    this.trace = trace;
    this.schedules = schedules;
  }

  /** Of a failing schedule, or of one with as few preemptions as any, if that is found soon. */
  static of(
    program: Program,
    limits: Limits,
    path: readonly Choice[],
    error: unknown,
    schedules: number,
  ): ScheduleError {
    let left = TRIES;
    for (let bound = 0; bound <= MOST_PREEMPTIONS && left > 0; bound++) {
      const search = new BoundedSearch(program, { ...limits, maxSchedules: left }, bound);
      const found = search.run();
      if (found !== undefined) return ScheduleError.from(program, limits, found.path, found.error, schedules);
      left -= search.schedules;
    }
    return ScheduleError.from(program, limits, path, error, schedules);
  }

  static from(
    program: Program,
    limits: Limits,
    path: readonly Choice[],
    error: unknown,
    schedules: number,
  ): ScheduleError {
    const reason = error instanceof Error ? error.message : String(error);
    return new ScheduleError(reason, path, replay(program, limits, path), schedules, error);
  }
}

/** Runs a schedule again and tells what happens. */
function replay(program: Program, limits: Limits, path: readonly Choice[]): string {
  const events: Event[] = [];
  try {
    const execution = program.begin(limits.scenario, limits.timeouts, events);
    for (const choice of path) execution.step(choice);
    for (const actor of execution.actors) {
      if (!actor.over)
        events.push({ actor: actor.name, plain: false, text: actor.asleep ? 'sleeps' : 'is not done' });
    }
  } catch {
    // It fails again, as it should.
  }
  return linesOf(events);
}

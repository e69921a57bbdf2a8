import assert from 'node:assert/strict';
import { type Edit, type Explored, type ExploreOptions, explore, Program, ScheduleError } from '#simul/testing/index.js';

export const load = (name: string, edits: readonly Edit[] = []): Promise<Program> =>
  Program.load(new URL(`./programs/${name}.js`, import.meta.url).href, edits);

/** Explores to the end, and says how much that was. */
export function all(program: Program, options: ExploreOptions): Explored {
  const explored = explore(program, options);
  assert.ok(explored.complete, `${options.scenario}: more than ${explored.schedules} schedules`);
  return explored;
}

export function failure(program: Program, options: ExploreOptions): ScheduleError {
  try {
    const { schedules } = explore(program, options);
    assert.fail(`${options.scenario}: nothing found in ${schedules} schedules`);
  } catch (error) {
    if (!(error instanceof ScheduleError)) throw error;
    return error;
  }
}

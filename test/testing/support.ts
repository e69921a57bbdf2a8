import assert from 'node:assert/strict';
import {
  type Edit,
  type Explored,
  type ExploreOptions,
  explore,
  Program,
  ScheduleError,
} from '#simul/testing/index.js';

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

/** A fault, and how it shows. */
export interface Planted {
  readonly fault: string;
  readonly edits: readonly Edit[];
  readonly scenario: string;
  readonly shows: RegExp;
  readonly maxPreemptions?: number;
}

export const LOST = /^a wake-up was lost/;
export const RACE = /^data race/;

/** Each fault is found, where the same scenario without it passes (see the tests beside). */
export async function findsAll(
  name: string,
  planted: readonly Planted[],
  edits: readonly Edit[] = [],
): Promise<void> {
  for (const { fault, edits: own, scenario, shows, maxPreemptions } of planted) {
    const program = await load(name, [...edits, ...own]);
    const bound = maxPreemptions === undefined ? {} : { maxPreemptions };
    assert.match(failure(program, { scenario, maxSteps: 500, ...bound }).message, shows, fault);
  }
}

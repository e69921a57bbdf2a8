/**
 * All orders of the steps of a scenario that could make a difference: depth-first, each schedule a new run from the start, with
 * dynamic partial-order reduction by source sets (Abdulla, Aronis, Jonsson, Sagonas 2014) and sleep sets (Godefroid 1996).
 */
import { BoundedSearch } from './bounded.js';
import type { Choice, Execution, Transition } from './execution.js';
import { Fault } from './execution.js';
import { dependent, type Touches } from './operations.js';
import type { Program } from './program.js';
import { type Clock, join } from './races.js';
import { ScheduleError } from './schedule-error.js';

export interface ExploreOptions {
  /** The export of the program that sets up the scenario. */
  readonly scenario: string;
  /**
   * How many waits of each actor may also time out, at any moment; 0 by default. What a lost wake-up leaves asleep is then
   * freed by that, so scenarios are to be explored without timeouts too.
   */
  readonly timeouts?: number;
  /** Only schedules with so many switches from an actor that could have gone on; all by default. */
  readonly maxPreemptions?: number;
  readonly maxSchedules?: number;
  /** Steps after which a run counts as one without end. */
  readonly maxSteps?: number;
}

export interface Explored {
  readonly schedules: number;
  /** Runs that were given up since each way on had been seen. */
  readonly pruned: number;
  readonly steps: number;
  /** Every schedule (within the bound on preemptions) has been run. */
  readonly complete: boolean;
  readonly ms: number;
}

export interface Limits {
  readonly scenario: string;
  readonly timeouts: number;
  readonly maxSchedules: number;
  readonly maxSteps: number;
}

/** A state on the way, and what has been done from there. */
interface State {
  readonly enabled: number;
  /** What each actor was to do. */
  readonly pending: readonly (Touches | undefined)[];
  chosen: number;
  /** Of the events that wait for the chosen actor, the one to be taken, and how many there are. */
  event: number;
  readonly events: readonly number[];
  /** Actors to be tried, those that were, and those whose steps have been seen in an equal order: as bits. */
  backtrack: number;
  done: number;
  sleep: number;
  taken: Transition | undefined;
}

/** @throws ScheduleError with a trace, where a schedule fails. */
export function explore(program: Program, options: ExploreOptions): Explored {
  const limits: Limits = {
    scenario: options.scenario,
    timeouts: options.timeouts ?? 0,
    maxSchedules: options.maxSchedules ?? 1_000_000,
    maxSteps: options.maxSteps ?? 2000,
  };
  if (options.maxPreemptions !== undefined) return searchBounded(program, limits, options.maxPreemptions);
  return new Exploration(program, limits).run();
}

function searchBounded(program: Program, limits: Limits, bound: number): Explored {
  const begun = performance.now();
  const search = new BoundedSearch(program, limits, bound);
  const failed = search.run();
  if (failed !== undefined)
    throw ScheduleError.from(program, limits, failed.path, failed.error, search.schedules + 1);
  const { schedules, steps, complete } = search;
  return { schedules, pruned: 0, steps, complete, ms: performance.now() - begun };
}

class Exploration {
  readonly #program: Program;
  readonly #limits: Limits;
  readonly #stack: State[] = [];
  #schedules = 0;
  #pruned = 0;
  #steps = 0;

  constructor(program: Program, limits: Limits) {
    this.#program = program;
    this.#limits = limits;
  }

  run(): Explored {
    const begun = performance.now();
    let complete = false;
    while (!complete && this.#schedules + this.#pruned < this.#limits.maxSchedules) {
      this.#runOnce();
      complete = !this.#next();
    }
    const [schedules, pruned, steps] = [this.#schedules, this.#pruned, this.#steps];
    return { schedules, pruned, steps, complete, ms: performance.now() - begun };
  }

  #runOnce(): void {
    const path: Choice[] = [];
    try {
      const execution = this.#program.begin(this.#limits.scenario, this.#limits.timeouts);
      for (let depth = 0; !execution.over; depth++) {
        if (execution.enabled === 0) throw new Fault('a wake-up was lost: nobody goes on');
        if (depth >= this.#limits.maxSteps) throw new Fault(`no end after ${depth} steps`);
        if (depth === this.#stack.length && !this.#push(execution)) {
          this.#pruned += 1;
          return;
        }
        const state = this.#stack[depth]!;
        const choice = { actor: state.chosen, event: state.event };
        path.push(choice);
        state.taken = execution.step(choice);
        state.backtrack |= state.taken.overtaken & state.enabled;
        this.#steps += 1;
      }
      execution.check();
      this.#schedules += 1;
    } catch (error) {
      throw ScheduleError.of(this.#program, this.#limits, path, error, this.#schedules + this.#pruned + 1);
    }
  }

  /** A state that is new; false where every way on from it has been seen elsewhere. */
  #push(execution: Execution): boolean {
    const { enabled, actors } = execution;
    const pending = actors.map((actor) => pendingTouches(execution, actor.index));
    const before = this.#stack.at(-1);
    const sleep = before === undefined ? 0 : stillAsleep(before, before.taken!, before.pending);
    const able = enabled & ~sleep;
    for (const { index, canStep } of actors) if (canStep) this.#findRaces(execution, index, pending[index]!);
    if (able === 0) return false;
    const last = before?.chosen ?? 0;
    const chosen = (able & (1 << last)) !== 0 ? last : lowest(able);
    this.#stack.push({
      enabled,
      pending,
      chosen,
      event: 0,
      events: actors.map(({ choices }) => choices),
      backtrack: 1 << chosen,
      done: 0,
      sleep,
      taken: undefined,
    });
    return true;
  }

  /** Steps that the next one of `actor` could have come before, with nothing in between: those orders are to be tried too. */
  #findRaces(execution: Execution, actor: number, touches: Touches): void {
    const clock = execution.order(actor).slice();
    const racing: number[] = [];
    for (let depth = this.#stack.length - 1; depth >= 0; depth--) {
      const taken = this.#stack[depth]!.taken!;
      if (taken.actor === actor || !dependent(taken.touches, touches)) continue;
      if (clock[taken.actor]! >= taken.count) continue;
      racing.push(depth);
      join(clock, taken.clock);
    }
    for (const depth of racing) this.#reverse(depth, actor, clock);
  }

  /**
   * Has the step at `depth` come after the next one of `actor`, which is at `clock`: from the state before it some actor
   * has to go first that can begin what has to come before.
   */
  #reverse(depth: number, actor: number, clock: Clock): void {
    const state = this.#stack[depth]!;
    const { actor: other, count } = state.taken!;
    const first = new Array<number>(clock.length).fill(0);
    let initials = 0;
    const add = (who: number, at: Clock, number: number): void => {
      if (first[who] !== 0) return;
      if (first.every((before, by) => before === 0 || at[by]! < before)) initials |= 1 << who;
      first[who] = number;
    };
    for (let later = depth + 1; later < this.#stack.length; later++) {
      const { taken } = this.#stack[later]!;
      if (taken!.clock[other]! < count) add(taken!.actor, taken!.clock, taken!.count);
    }
    add(actor, clock, 1);
    if ((initials & (state.backtrack | state.sleep)) === 0) state.backtrack |= initials & -initials;
  }

  /** Goes back to the last state from which something is left to try; false where there is none. */
  #next(): boolean {
    for (let state = this.#stack.at(-1); state !== undefined; state = this.#stack.at(-1)) {
      state.event += 1;
      if (state.event < state.events[state.chosen]!) return true;
      state.done |= 1 << state.chosen;
      const left = state.backtrack & ~state.done & ~state.sleep;
      if (left !== 0) {
        state.sleep |= 1 << state.chosen;
        state.chosen = lowest(left);
        state.event = 0;
        return true;
      }
      this.#stack.pop();
    }
    return false;
  }
}

const lowest = (bits: number): number => 31 - Math.clz32(bits & -bits);

function pendingTouches(execution: Execution, index: number): Touches | undefined {
  const actor = execution.actors[index]!;
  if (actor.over) return undefined;
  return actor.asleep === undefined ? actor.pending!.touches! : [actor.asleep + 1, 1];
}

/** Of the actors that sleep in a state, those that a step from there leaves asleep. */
function stillAsleep(state: State, taken: Transition, pending: readonly (Touches | undefined)[]): number {
  let sleep = 0;
  for (let actor = 0; actor < pending.length; actor++) {
    if ((state.sleep & (1 << actor)) === 0 || actor === taken.actor) continue;
    if (!dependent(pending[actor]!, taken.touches)) sleep |= 1 << actor;
  }
  return sleep;
}

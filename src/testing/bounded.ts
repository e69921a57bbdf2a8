/** All schedules with at most so many preemptions (Musuvathi and Qadeer, 2007): no reduction, so nothing within is missed. */
import { type Choice, Fault } from './execution.js';
import type { Limits } from './explore.js';
import type { Program } from './program.js';

interface State {
  /** Actors that are left to try, as bits. */
  left: number;
  chosen: number;
  /** Of the events that wait for the chosen actor, the one to be taken, and how many there are. */
  event: number;
  events: readonly number[];
}

/** What a search has found: a failing schedule, or that there is none. */
export type Found = { readonly path: readonly Choice[]; readonly error: unknown } | undefined;

export class BoundedSearch {
  readonly #program: Program;
  readonly #limits: Limits;
  readonly #bound: number;
  readonly #stack: State[] = [];
  schedules = 0;
  steps = 0;
  complete = false;

  constructor(program: Program, limits: Limits, bound: number) {
    this.#program = program;
    this.#limits = limits;
    this.#bound = bound;
  }

  run(): Found {
    while (this.schedules < this.#limits.maxSchedules) {
      const failed = this.#runOnce();
      if (failed !== undefined) return failed;
      this.schedules += 1;
      if (!this.#next()) {
        this.complete = true;
        return undefined;
      }
    }
    return undefined;
  }

  #runOnce(): Found {
    const path: Choice[] = [];
    try {
      const execution = this.#program.begin(this.#limits.scenario, this.#limits.timeouts);
      let preemptions = 0;
      for (let depth = 0; !execution.over; depth++) {
        if (execution.enabled === 0) throw new Fault('a wake-up was lost: nobody goes on');
        if (depth >= this.#limits.maxSteps) throw new Fault(`no end after ${depth} steps`);
        const last = path.at(-1)?.actor;
        const goesOn = last !== undefined && (execution.enabled & (1 << last)) !== 0;
        if (depth === this.#stack.length) {
          const able = goesOn && preemptions >= this.#bound ? 1 << last : execution.enabled;
          const chosen = goesOn ? last : 31 - Math.clz32(able & -able);
          const events = execution.actors.map(({ choices }) => choices);
          this.#stack.push({ left: able & ~(1 << chosen), chosen, event: 0, events });
        }
        const { chosen, event } = this.#stack[depth]!;
        if (goesOn && chosen !== last) preemptions += 1;
        path.push({ actor: chosen, event });
        execution.step(path.at(-1)!);
        this.steps += 1;
      }
      execution.check();
      return undefined;
    } catch (error) {
      return { path, error };
    }
  }

  #next(): boolean {
    for (let state = this.#stack.at(-1); state !== undefined; state = this.#stack.at(-1)) {
      state.event += 1;
      if (state.event < state.events[state.chosen]!) return true;
      if (state.left !== 0) {
        const bit = state.left & -state.left;
        state.chosen = 31 - Math.clz32(bit);
        state.left &= ~bit;
        state.event = 0;
        return true;
      }
      this.#stack.pop();
    }
    return false;
  }
}

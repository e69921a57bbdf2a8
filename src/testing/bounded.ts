/** All schedules with at most so many preemptions (Musuvathi and Qadeer, 2007): no reduction, so nothing within is missed. */
import { Fault } from './execution.js';
import type { Limits } from './explore.js';
import type { Program } from './program.js';

interface Choice {
  /** Actors that are left to try, as bits. */
  left: number;
  chosen: number;
}

/** What a search has found: a failing schedule, or that there is none. */
export type Found = { readonly path: readonly number[]; readonly error: unknown } | undefined;

export class BoundedSearch {
  readonly #program: Program;
  readonly #limits: Limits;
  readonly #bound: number;
  readonly #stack: Choice[] = [];
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
    const path: number[] = [];
    try {
      const execution = this.#program.begin(this.#limits.scenario, this.#limits.timeouts);
      let preemptions = 0;
      for (let depth = 0; !execution.over; depth++) {
        if (execution.enabled === 0) throw new Fault('a wake-up was lost: nobody goes on');
        if (depth >= this.#limits.maxSteps) throw new Fault(`no end after ${depth} steps`);
        const last = path.at(-1);
        const goesOn = last !== undefined && (execution.enabled & (1 << last)) !== 0;
        if (depth === this.#stack.length) {
          const able = goesOn && preemptions >= this.#bound ? 1 << last : execution.enabled;
          const chosen = goesOn ? last : 31 - Math.clz32(able & -able);
          this.#stack.push({ left: able & ~(1 << chosen), chosen });
        }
        const { chosen } = this.#stack[depth]!;
        if (goesOn && chosen !== last) preemptions += 1;
        path.push(chosen);
        execution.step(chosen);
        this.steps += 1;
      }
      execution.check();
      return undefined;
    } catch (error) {
      return { path, error };
    }
  }

  #next(): boolean {
    for (let choice = this.#stack.at(-1); choice !== undefined; choice = this.#stack.at(-1)) {
      if (choice.left !== 0) {
        const bit = choice.left & -choice.left;
        choice.chosen = 31 - Math.clz32(bit);
        choice.left &= ~bit;
        return true;
      }
      this.#stack.pop();
    }
    return false;
  }
}

import { Execution, type Scenario } from './execution.js';
import { type Edit, loadStepped } from './modules.js';
import { type Stage, Surroundings, stageOf } from './surroundings.js';
import type { Event } from './trace.js';

/** A module with its imports, ready to be explored: its exports are functions that set up a scenario. */
export class Program {
  readonly #surroundings: Surroundings;
  /** What the module exports, stepped. */
  readonly exports: Readonly<Record<string, unknown>>;

  private constructor(surroundings: Surroundings, exports: Record<string, unknown>) {
    this.#surroundings = surroundings;
    this.exports = exports;
  }

  /** Loads the module at `url`; `edits` change the text of the modules with it. */
  static async load(url: string, edits: readonly Edit[] = []): Promise<Program> {
    const surroundings = new Surroundings();
    const { globals, natives } = surroundings;
    return new Program(surroundings, await loadStepped(url, { edits, globals, natives }));
  }

  /** A new run of the scenario that the export `name` sets up. */
  begin(name: string, timeouts: number, events?: Event[]): Execution {
    const setup = this.exports[name];
    if (typeof setup !== 'function') throw new TypeError(`explorer: the program exports no function ${name}`);
    const execution = new Execution(this.#surroundings.now, events);
    this.#surroundings.execution = execution;
    const stage: Stage = stageOf(this.#surroundings);
    execution.begin(this.#surroundings.now(setup(stage)) as Scenario, timeouts);
    return execution;
  }
}

/** What stepped modules see instead of the real thing: `Atomics`, the event loop, clocks; and the helpers of their new text. */
import type { Execution } from './execution.js';
import { isShared } from './memory.js';
import {
  type Operation,
  type OperationKind,
  Port,
  receiveMessageOnPort,
  type Steps,
  type View,
} from './operations.js';
import type { Helper } from './stepped.js';
import { Waiter } from './waiter.js';

const GeneratorFunction = Object.getPrototypeOf(function* () {}).constructor as Function;
/** `x instanceof Stepping` for what a stepped function gives. */
function Stepping(): void {}
Stepping.prototype = Object.getPrototypeOf(GeneratorFunction.prototype.prototype);

/** Methods of views that are known to read, or to write, or to do neither. */
const READS = new Set(['slice']);
const WRITES = new Set(['set', 'fill']);
const NEITHER = new Set(['subarray']);

/** The execution under way, for all modules of a program. */
export class Surroundings {
  execution: Execution | undefined;
  /** Functions of the surroundings that call back in steps, or later. */
  readonly #takeCallbacks = new Set<unknown>();
  readonly #classes = new Set<unknown>();

  readonly globals: Record<string, unknown> & Record<Helper, unknown>;
  readonly natives = { 'node:worker_threads': { receiveMessageOnPort } };

  constructor() {
    const loop = this.#loop();
    this.globals = { ...loop, Atomics: atomics(), ...this.#helpers() };
    for (const value of Object.values(loop)) this.#takeCallbacks.add(value);
    this.#takeCallbacks.add(Waiter.prototype.then);
  }

  /** Runs a stepped function to its end at once; only where no actor is on its way. */
  readonly now = (value: unknown): unknown => {
    if (!(value instanceof Stepping)) return value;
    const steps = value as Steps<unknown>;
    for (let outcome: unknown; ; ) {
      const { done, value: operation } = steps.next(outcome);
      if (done) return operation;
      outcome = this.#execution.atOnce(operation as Operation);
    }
  };

  get #execution(): Execution {
    if (this.execution === undefined) throw new Error('explorer: no execution is under way');
    return this.execution;
  }

  #loop(): Record<string, unknown> {
    const actor = () => {
      const { running } = this.#execution;
      if (running === undefined) throw new Error('explorer: the set-up has no event loop');
      return running;
    };
    return {
      setImmediate: (run: () => unknown) => {
        actor().immediates.push({ run, seen: undefined });
      },
      setTimeout: (run: () => unknown) => actor().addTimer(run),
      clearTimeout: (id: number) => actor().timers.delete(id),
      performance: { now: () => actor().now() },
      process: { getActiveResourcesInfo: () => [] },
    };
  }

  #checkCallbacks(called: unknown, args: readonly unknown[]): void {
    if (called instanceof GeneratorFunction || this.#takeCallbacks.has(called) || this.#classes.has(called))
      return;
    if (args.some((arg) => arg instanceof GeneratorFunction))
      throw new Error(`explorer: ${String(called).slice(0, 60)} cannot call a stepped function`);
  }

  #bulk(view: View, name: string, args: readonly unknown[]): void {
    const execution = this.#execution;
    if (READS.has(name)) execution.plain(view, 0, view.length, false);
    else if (name === 'set') {
      const source = args[0] as View;
      if (isShared(source)) execution.plain(source, 0, source.length, false);
      execution.plain(view, (args[1] as number | undefined) ?? 0, source.length, true);
    } else if (WRITES.has(name)) execution.plain(view, 0, view.length, true);
    else if (!NEITHER.has(name)) throw new Error(`explorer: ${name} of shared memory`);
  }

  #helpers(): Record<Helper, unknown> {
    const isStep = (view: View, at: number) =>
      this.#execution.isStep(this.#execution.memory.address(view, at));
    return {
      $Steps: Stepping,
      $now: this.now,
      $class: (made: unknown) => this.#classes.add(made),
      $call: (called: Function, args: unknown[]) => {
        this.#checkCallbacks(called, args);
        return called(...args);
      },
      $method: (object: Record<string, Function>, key: string, args: unknown[]) => {
        if (isShared(object)) this.#bulk(object, key, args);
        const method = object[key];
        if (typeof method !== 'function') throw new TypeError(`${key} is not a function`);
        this.#checkCallbacks(method, args);
        return Reflect.apply(method, object, args);
      },
      $get: (object: Record<string, unknown>, name: string) => {
        const getter = object[`$get_${name}`];
        return typeof getter === 'function' ? Reflect.apply(getter, object, []) : object[name];
      },
      $new: (made: new (...args: unknown[]) => unknown, args: unknown[]) => {
        this.#checkCallbacks(made, args);
        if (isShared(args[0]) && !this.#classes.has(made)) this.#bulk(args[0], 'slice', []);
        const value = new made(...args);
        if (value instanceof SharedArrayBuffer) this.#execution.memory.register(value);
        return value;
      },
      $read: (view: View, at: number) => {
        if (!isShared(view)) return view[at];
        if (isStep(view, at)) return plainStep('read', view, at, 0);
        this.#execution.plain(view, at, 1, false);
        return view[at];
      },
      $write: (view: View, at: number, value: number) => {
        if (isShared(view)) {
          if (isStep(view, at)) return plainStep('write', view, at, value);
          this.#execution.plain(view, at, 1, true);
        }
        view[at] = value;
        return value;
      },
    };
  }
}

function* plainStep(kind: 'read' | 'write', view: View, at: number, value: number): Steps<unknown> {
  const old = yield { kind, view, at, value };
  return kind === 'read' ? old : value;
}

/** `Atomics`, each operation a step. */
function atomics(): Record<string, unknown> {
  const binary = (kind: OperationKind) =>
    function* (view: View, at: number, value: number): Steps<unknown> {
      return yield { kind, view, at, value };
    };
  return {
    *load(view: View, at: number): Steps<unknown> {
      return yield { kind: 'load', view, at };
    },
    store: binary('store'),
    add: binary('add'),
    sub: binary('sub'),
    or: binary('or'),
    and: binary('and'),
    xor: binary('xor'),
    exchange: binary('exchange'),
    *compareExchange(view: View, at: number, expected: number, value: number): Steps<unknown> {
      return yield { kind: 'compareExchange', view, at, expected, value };
    },
    *wait(view: View, at: number, expected: number): Steps<unknown> {
      return yield { kind: 'wait', view, at, expected };
    },
    *waitAsync(view: View, at: number, expected: number): Steps<{ async: boolean; value: Waiter | string }> {
      return (yield { kind: 'waitAsync', view, at, expected }) as { async: boolean; value: Waiter | string };
    },
    *notify(view: View, at: number, count?: number): Steps<unknown> {
      if (count !== undefined) throw new Error('explorer: notify wakes all');
      return yield { kind: 'notify', view, at };
    },
  };
}

/** What a set-up is given. */
export interface Stage {
  /** Takes one turn of the event loop of the actor that calls it: waits for an event, and runs what it is for. */
  turn(): void;
  /** Two ends of a channel for messages. */
  channel(): [Port, Port];
}

export function stageOf(surroundings: Surroundings): Stage {
  return {
    *turn(): Steps<void> {
      const run = (yield { kind: 'turn' }) as () => unknown;
      const result = run();
      if (result instanceof Stepping) yield* result as Steps<unknown>;
    },
    channel: () => {
      const { execution } = surroundings;
      const one = new Port(execution!.newPort());
      const two = new Port(execution!.newPort());
      one.peer = two;
      two.peer = one;
      return [one, two];
    },
  } as unknown as Stage;
}

/**
 * A call whose arguments are futures is made once they are there. What it works on is read now: its function with all it
 * captures, and the other arguments.
 */
import { asArgument, Blank, Filled, Packer } from '../codec/index.js';
import type { PackedFor } from './chunk-filler.js';
import { Future } from './future.js';
import { onSettled } from './settling.js';

/** Whether the call has to wait for any of its arguments. */
export function waitsForInputs(args: readonly unknown[]): boolean {
  for (let i = 0; i < args.length; i++) {
    const arg = args[i];
    if (typeof arg === 'object' && arg !== null && arg instanceof Future) return true;
  }
  return false;
}

export interface InputsHost {
  /** The function and its arguments, for `Packer.item`. */
  ready(item: Filled): void;
  /** An input failed, and so does the call. */
  failed(error: unknown, input: Future<unknown>): void;
}

export class Inputs {
  readonly #host: InputsHost;
  readonly #waiting = new Map<Future<unknown>, () => void>();

  /** @throws SerializationError, ObjectLostError where what is there cannot be sent */
  constructor(fn: Function, args: readonly unknown[], engine: PackedFor, host: InputsHost) {
    this.#host = host;
    const places = new Map<Future<unknown>, Blank>();
    const given = args.map((arg) => {
      if (!(arg instanceof Future)) return asArgument(arg, engine.refs);
      const blank = places.get(arg) ?? new Blank(places.size);
      places.set(arg, blank);
      return blank;
    });
    const packer = new Packer({ parts: ['fn', 'args'], apart: engine.apart });
    packer.item([fn, given]);
    const packed = packer.finish();
    const values: unknown[] = new Array(places.size).fill(undefined);
    for (const [future, { place }] of places) {
      const forget = onSettled(future, (state, result) => {
        this.#waiting.delete(future);
        if (state === 'failed') {
          this.forget();
          this.#host.failed(result, future);
          return;
        }
        values[place] = result;
        if (this.#waiting.size === 0) this.#host.ready(new Filled(packed, values));
      });
      this.#waiting.set(future, forget);
    }
  }

  /** Waits for nothing more. */
  forget(): void {
    for (const forget of this.#waiting.values()) forget();
    this.#waiting.clear();
  }

  /** What it waits for, in words. */
  explain(): string {
    const ids = [...this.#waiting.keys()].map(({ id }) => id);
    const shown =
      ids.length > 5 ? `${ids.slice(0, 5).join(', ')} and ${ids.length - 5} more` : ids.join(', ');
    return `it waits for ${ids.length === 1 ? 'the result' : 'the results'} of ${shown}`;
  }
}

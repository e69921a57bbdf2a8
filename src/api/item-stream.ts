/** `stream`: outcomes as an async iterable, in input order or as they come, with a bounded window. */
import { settled } from './collect.js';
import { ItemRun } from './item-run.js';
import type { ItemRunSpec } from './item-run-spec.js';

interface Outcome {
  readonly ok: boolean;
  readonly value: unknown;
}

export class ItemStream implements AsyncIterableIterator<unknown> {
  readonly #run: ItemRun;
  readonly #ordered: boolean;
  readonly #settle: boolean;
  readonly #ready: Outcome[] = [];
  /** Outcomes that came before one that is read first. */
  readonly #early = new Map<number, Outcome>();
  readonly #wakes: (() => void)[] = [];
  #nextIndex = 0;
  #state: 'idle' | 'running' | 'ended' | 'over' = 'idle';
  #error: { error: unknown } | undefined;

  constructor(spec: ItemRunSpec) {
    this.#ordered = spec.options.ordered ?? true;
    this.#settle = spec.options.onError === 'settle';
    this.#run = new ItemRun(spec, {
      outcome: (index, ok, value) => this.#outcome(index, { ok, value }),
      outcomes: (first, values) => {
        for (let i = 0; i < values.length; i++) this.#outcome(first + i, { ok: true, value: values[i] });
      },
      ended: () => {
        this.#state = 'ended';
        this.#wake();
      },
      failed: (error) => {
        this.#state = 'ended';
        this.#error = { error };
        this.#wake();
      },
    });
  }

  #outcome(index: number, outcome: Outcome): void {
    if (!this.#ordered) this.#ready.push(outcome);
    else {
      this.#early.set(index, outcome);
      for (
        let next = this.#early.get(this.#nextIndex);
        next !== undefined;
        next = this.#early.get(this.#nextIndex)
      ) {
        this.#early.delete(this.#nextIndex);
        this.#nextIndex += 1;
        this.#ready.push(next);
      }
    }
    this.#wake();
  }

  #wake(): void {
    for (const wake of this.#wakes.splice(0)) wake();
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<unknown>> {
    if (this.#state === 'idle') {
      this.#state = 'running';
      this.#run.start();
    }
    while (this.#ready.length === 0) {
      if (this.#state === 'over') return { done: true, value: undefined };
      if (this.#state === 'ended') {
        this.#state = 'over';
        if (this.#error !== undefined) throw this.#error.error;
        return { done: true, value: undefined };
      }
      await new Promise<void>((resolve) => this.#wakes.push(resolve));
    }
    const outcome = this.#ready.shift() as Outcome;
    this.#run.read(1);
    return { done: false, value: this.#settle ? settled(outcome.ok, outcome.value) : outcome.value };
  }

  /** Cancels the rest. */
  async return(): Promise<IteratorResult<unknown>> {
    if (this.#state !== 'over') {
      this.#state = 'over';
      this.#ready.length = 0;
      this.#run.cancel(new DOMException('The reader of the stream has gone', 'AbortError'));
      this.#wake();
    }
    return { done: true, value: undefined };
  }
}

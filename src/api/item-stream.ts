/** `stream`: outcomes as an async iterable, in input order or as they come, with a bounded window. */
import { Deque } from '../util/deque.js';
import { settled } from './collect.js';
import { ItemRun } from './item-run.js';
import type { ItemRunSpec } from './item-run-spec.js';

/** Outcomes of consecutive items: all went well, or it is the one that failed. No object an item, which would outlive a collection. */
interface Outcomes {
  readonly ok: boolean;
  readonly values: unknown[];
  /** How many have been read. */
  read: number;
}

interface Reader {
  resolve(step: IteratorResult<unknown>): void;
  reject(error: unknown): void;
}

const END = { done: true, value: undefined } as const;

export class ItemStream implements AsyncIterableIterator<unknown> {
  readonly #run: ItemRun;
  readonly #ordered: boolean;
  readonly #settle: boolean;
  #ready = new Deque<Outcomes>();
  /** Outcomes that came before one that is read first, by their first index. */
  readonly #early = new Map<number, Outcomes>();
  /** Who waits for an outcome: nobody while one is ready. */
  readonly #readers = new Deque<Reader>();
  #nextIndex = 0;
  #state: 'idle' | 'running' | 'ended' | 'over' = 'idle';
  #error: { error: unknown } | undefined;

  constructor(spec: ItemRunSpec) {
    this.#ordered = spec.options.ordered ?? true;
    this.#settle = spec.options.onError === 'settle';
    this.#run = new ItemRun(spec, {
      outcome: (index, ok, value) => this.#outcomes(index, { ok, values: [value], read: 0 }),
      outcomes: (first, values) => this.#outcomes(first, { ok: true, values, read: 0 }),
      reads: true,
      ended: () => this.#end(undefined),
      failed: (error) => this.#end({ error }),
      ...(this.#ordered ? { missing: (from: number, to: number) => this.#missing(from, to) } : {}),
    });
  }

  #outcomes(first: number, outcomes: Outcomes): void {
    if (this.#ordered && first !== this.#nextIndex) {
      this.#early.set(first, outcomes);
      return;
    }
    for (
      let next: Outcomes | undefined = outcomes;
      next !== undefined;
      next = this.#early.get(this.#nextIndex)
    ) {
      this.#early.delete(this.#nextIndex);
      this.#nextIndex += next.values.length;
      this.#ready.push(next);
    }
    this.#deliver();
  }

  #missing(from: number, to: number): boolean {
    const start = Math.max(from, this.#nextIndex);
    let missing = to - start;
    for (const [first, { values }] of this.#early) {
      missing -= Math.max(0, Math.min(to, first + values.length) - Math.max(start, first));
    }
    return missing > 0;
  }

  #deliver(): void {
    let read = 0;
    while (this.#ready.size > 0) {
      const reader = this.#readers.shift();
      if (reader === undefined) break;
      reader.resolve(this.#step());
      read += 1;
    }
    // Told last: the run may come to its end by that.
    if (read > 0) this.#run.read(read);
  }

  #step(): IteratorResult<unknown> {
    const outcomes = this.#ready.peek()!;
    const { ok, values } = outcomes;
    const value = values[outcomes.read];
    // What the reader has is the reader's to forget. (A number is nothing to keep, and anything else would cost the array its form.)
    if (typeof value !== 'number') values[outcomes.read] = undefined;
    outcomes.read += 1;
    if (outcomes.read === values.length) this.#ready.shift();
    return { done: false, value: this.#settle ? settled(ok, value) : value };
  }

  #end(error: { error: unknown } | undefined): void {
    this.#state = 'ended';
    this.#error = error;
    this.#deliver();
    for (let reader = this.#readers.shift(); reader !== undefined; reader = this.#readers.shift()) {
      this.#last(reader);
    }
  }

  /** The end, or the failure for the first who asks. */
  #last({ resolve, reject }: Reader): void {
    const error = this.#state === 'ended' ? this.#error : undefined;
    this.#state = 'over';
    if (error === undefined) resolve({ ...END });
    else reject(error.error);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<IteratorResult<unknown>> {
    if (this.#state === 'idle') {
      this.#state = 'running';
      this.#run.start();
    }
    if (this.#ready.size > 0) {
      const step = Promise.resolve(this.#step());
      this.#run.read(1);
      return step;
    }
    return new Promise((resolve, reject) => {
      const reader = { resolve, reject };
      if (this.#state === 'running') this.#readers.push(reader);
      else this.#last(reader);
    });
  }

  /** Cancels the rest. */
  async return(): Promise<IteratorResult<unknown>> {
    if (this.#state !== 'over') {
      this.#state = 'over';
      this.#ready = new Deque();
      this.#run.cancel(new DOMException('The reader of the stream has gone', 'AbortError'));
      for (let reader = this.#readers.shift(); reader !== undefined; reader = this.#readers.shift()) {
        reader.resolve({ ...END });
      }
    }
    return { ...END };
  }
}

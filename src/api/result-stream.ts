/** The reading end of a generator's task: an async iterable fed by the engine, with credit given as it is read. */

type Step = { readonly value: unknown } | { readonly error: unknown } | 'end';

export interface StreamSource {
  /** The reader took `count` values more. */
  credit(count: number): void;
  /** The reader has gone before the end. */
  cancel(): void;
}

export class ResultStream implements AsyncIterableIterator<unknown> {
  readonly #source: StreamSource;
  readonly #steps: Step[] = [];
  #wake: (() => void) | undefined;
  #over = false;

  constructor(source: StreamSource) {
    this.#source = source;
  }

  value(value: unknown): void {
    this.#push({ value });
  }

  fail(error: unknown): void {
    this.#push({ error });
  }

  end(): void {
    this.#push('end');
  }

  #push(step: Step): void {
    if (this.#over) return;
    this.#steps.push(step);
    this.#wake?.();
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<unknown>> {
    while (this.#steps.length === 0) {
      if (this.#over) return { done: true, value: undefined };
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    const step = this.#steps.shift() as Step;
    if (step === 'end') {
      this.#over = true;
      return { done: true, value: undefined };
    }
    if ('error' in step) {
      this.#over = true;
      throw step.error;
    }
    this.#source.credit(1);
    return { done: false, value: step.value };
  }

  async return(): Promise<IteratorResult<unknown>> {
    if (!this.#over) {
      this.#over = true;
      this.#steps.length = 0;
      this.#source.cancel();
      this.#wake?.();
    }
    return { done: true, value: undefined };
  }
}

/** Reading the inputs of `map` and its kin: any iterable or async iterable. */

export type AnyIterable<T> = Iterable<T> | AsyncIterable<T>;

export type Step = IteratorResult<unknown>;

/** Steps that are there come as they are, others as promises. */
export interface MixedIterator {
  next(): Step | Promise<Step>;
  return?(): unknown;
}

export function iteratorOf(items: AnyIterable<unknown>): MixedIterator {
  if (items instanceof Batches) return items.steps();
  const asyncIterator = (items as Partial<AsyncIterable<unknown>>)[Symbol.asyncIterator];
  if (typeof asyncIterator === 'function') return asyncIterator.call(items);
  return (items as Iterable<unknown>)[Symbol.iterator]();
}

export function isPending(step: Step | Promise<Step>): step is Promise<Step> {
  return step instanceof Promise || typeof (step as { then?: unknown }).then === 'function';
}

/** An input whose items come many at a time: only where a batch ends does its reader wait. */
export class Batches<T> implements AsyncIterable<T> {
  readonly #source: AsyncIterable<readonly T[]>;

  constructor(source: AsyncIterable<readonly T[]>) {
    this.#source = source;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T> {
    for await (const batch of this.#source) yield* batch;
  }

  steps(): MixedIterator {
    const source = this.#source[Symbol.asyncIterator]();
    let batch: readonly T[] = [];
    let at = 0;
    const refill = async (): Promise<Step> => {
      do {
        const step = await source.next();
        if (step.done === true) return step;
        batch = step.value;
      } while (batch.length === 0);
      at = 1;
      return { done: false, value: batch[0] };
    };
    return {
      next: () => (at < batch.length ? { done: false, value: batch[at++] } : refill()),
      return: () => source.return?.(),
    };
  }
}

const listIterator = Array.prototype[Symbol.iterator];
const typedIterator = Uint8Array.prototype[Symbol.iterator] as unknown;

/** The input itself where its iterator would give its elements, one after the other, and nothing else. */
export function asList(items: unknown): ArrayLike<unknown> | undefined {
  const { [Symbol.iterator]: iterate, [Symbol.asyncIterator]: iterateAsync } = items as {
    readonly [Symbol.iterator]?: unknown;
    readonly [Symbol.asyncIterator]?: unknown;
  };
  if (iterateAsync !== undefined) return undefined;
  const isList = Array.isArray(items)
    ? iterate === listIterator
    : ArrayBuffer.isView(items) && !(items instanceof DataView) && iterate === typedIterator;
  return isList ? (items as ArrayLike<unknown>) : undefined;
}

/** True where reading runs no code but the platform's. */
export function isPlain(items: unknown): boolean {
  return Array.isArray(items) || ArrayBuffer.isView(items);
}

export function lengthOf(items: unknown): number | undefined {
  if (Array.isArray(items) || (ArrayBuffer.isView(items) && !(items instanceof DataView))) {
    return (items as unknown as { length: number }).length;
  }
  if (items instanceof Set || items instanceof Map) return items.size;
  return undefined;
}

/** Ends the input; what it says of that comes too late to matter. */
export function returnInput(iterator: MixedIterator): void {
  try {
    const ended = iterator.return?.();
    Promise.resolve(ended).catch(() => {});
  } catch {
    // As above.
  }
}

/** Tells steps that come within a turn of the event loop, by one look at the end of a turn however many they are. */
export class ReadySoon {
  #waiting: (() => void) | undefined;
  #looking = false;

  /** The step, or undefined where the source takes longer. */
  wait(step: Promise<Step>): Promise<Step | undefined> {
    return new Promise((resolve, reject) => {
      const late = (): void => resolve(undefined);
      this.#waiting = late;
      this.#look();
      const came = (): void => {
        if (this.#waiting === late) this.#waiting = undefined;
      };
      step.then(
        (value) => {
          came();
          resolve(value);
        },
        (error: unknown) => {
          came();
          reject(error);
        },
      );
    });
  }

  #look(): void {
    if (this.#looking) return;
    this.#looking = true;
    setImmediate(() => {
      this.#looking = false;
      this.#waiting?.();
    });
  }
}

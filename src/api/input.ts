/** Reading the inputs of `map` and its kin: any iterable or async iterable. */

export type AnyIterable<T> = Iterable<T> | AsyncIterable<T>;

export function iteratorOf(items: AnyIterable<unknown>): Iterator<unknown> | AsyncIterator<unknown> {
  const asyncIterator = (items as Partial<AsyncIterable<unknown>>)[Symbol.asyncIterator];
  if (typeof asyncIterator === 'function') return asyncIterator.call(items);
  return (items as Iterable<unknown>)[Symbol.iterator]();
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
export function returnInput(iterator: Iterator<unknown> | AsyncIterator<unknown>): void {
  try {
    const ended = iterator.return?.();
    Promise.resolve(ended).catch(() => {});
  } catch {
    // As above.
  }
}

/** The step if it is there after a turn of the event loop; undefined if the source takes longer. */
export function settledSoon(
  step: Promise<IteratorResult<unknown>>,
): Promise<IteratorResult<unknown> | undefined> {
  return new Promise((resolve, reject) => {
    const timer = setImmediate(() => resolve(undefined));
    step.then(
      (value) => {
        clearImmediate(timer);
        resolve(value);
      },
      (error: unknown) => {
        clearImmediate(timer);
        reject(error);
      },
    );
  });
}

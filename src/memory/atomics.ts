/**
 * The only file that touches `Atomics`, so that tests can put an interleaving explorer in its place and so
 * that every shared access is easy to find. All operations are sequentially consistent.
 */

export type Words = Int32Array;

/** Waits and wakes for memory that several processes have mapped, where `Atomics.wait` and `notify` do not reach. */
export interface Futex {
  /** Blocks this thread until the word at byte `at` is no longer `expected`, it is woken, or `timeoutMs` have passed. */
  wait(at: number, expected: number, timeoutMs: number): void;
  wake(at: number): void;
}

const futexes = new WeakMap<ArrayBufferLike, Futex>();

/** From now on words of this buffer are waited for and woken by `futex`. */
export const useFutex = (buffer: ArrayBuffer, futex: Futex): void => {
  futexes.set(buffer, futex);
};

export const load = (words: Words, at: number): number => Atomics.load(words, at);
export const store = (words: Words, at: number, value: number): void => {
  Atomics.store(words, at, value);
};
/** Returns the old value. */
export const add = (words: Words, at: number, value: number): number => Atomics.add(words, at, value);
/** Sets bits; returns the old value. */
export const or = (words: Words, at: number, bits: number): number => Atomics.or(words, at, bits);
/** Returns the old value. */
export const exchange = (words: Words, at: number, value: number): number =>
  Atomics.exchange(words, at, value);
/** Stores `value` where the word is `expected`; whether it did. */
export const replace = (words: Words, at: number, expected: number, value: number): boolean =>
  Atomics.compareExchange(words, at, expected, value) === expected;
/** Blocks this thread until the word is no longer `expected`, or `timeoutMs` have passed. */
export const waitWhile = (words: Words, at: number, expected: number, timeoutMs: number): void => {
  const futex = futexes.get(words.buffer);
  if (futex === undefined) Atomics.wait(words, at, expected, timeoutMs);
  else futex.wait(words.byteOffset + at * 4, expected, timeoutMs);
};
export const wake = (words: Words, at: number): void => {
  const futex = futexes.get(words.buffer);
  if (futex === undefined) Atomics.notify(words, at);
  else futex.wake(words.byteOffset + at * 4);
};
/** Resolves once the word is woken; undefined where it is not `expected` any more. */
export const waitAsync = (words: Words, at: number, expected: number): Promise<unknown> | undefined => {
  const { async, value } = Atomics.waitAsync(words, at, expected);
  return async ? value : undefined;
};
/** Blocks this thread. */
export const sleep = (ms: number): void => {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
};

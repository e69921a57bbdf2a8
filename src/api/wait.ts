/** Waiting for some of many futures: after `concurrent.futures.wait` and `as_completed`, and Ray's `wait`. */
import { InvalidOptionError } from '../errors.js';
import { LONGEST_TIMER } from '../util/longest-timer.js';
import { onAbort } from './abort.js';
import { checkWaitOptions, show } from './options.js';
import { onSettled } from './settling.js';

/** Options of {@link wait}. */
export interface WaitOptions {
  /** How many have to be settled; default: all. More may be, where they are settled by then. */
  readonly count?: number | undefined;
  /** ms after which it gives what there is. Default: none. */
  readonly timeout?: number | undefined;
  /** Ends the waiting, not the tasks: rejects with its reason. */
  readonly signal?: AbortSignal | undefined;
}

/** Both in the order in which they were given; a future that was given twice is there once. */
export interface Waited<F> {
  /** Those that are settled, well or not. */
  readonly done: F[];
  /** The others. */
  readonly pending: F[];
}

/**
 * Waits until `count` of the futures (or other promises) are settled, by default all, or `timeout` ms have passed. What fails
 * counts as settled and does not make it reject; it cancels nothing. With nothing to wait for it gives what is settled now.
 *
 * Rejects with InvalidOptionError, or with the reason of `signal`.
 */
export async function wait<F extends PromiseLike<unknown>>(
  futures: Iterable<F>,
  options: WaitOptions = {},
): Promise<Waited<F>> {
  const all = [...new Set(listOf('wait', futures))];
  checkWaitOptions('wait', options, all.length);
  const { count = all.length, timeout, signal } = options;
  if (signal?.aborted === true) throw signal.reason;
  const done = new Set<F>();
  const forget: (() => void)[] = [];
  await new Promise<void>((resolve, reject) => {
    let looked = false;
    const check = (): void => {
      if (looked && done.size >= count) resolve();
    };
    for (const future of all) {
      const hear = (): void => {
        done.add(future);
        check();
      };
      forget.push(onSettled(future, hear));
    }
    // What is settled already says so within this turn of the event loop.
    setImmediate(() => {
      looked = true;
      check();
    });
    if (timeout !== undefined && timeout !== Number.POSITIVE_INFINITY) {
      const timer = setTimeout(() => setImmediate(resolve), Math.min(timeout, LONGEST_TIMER));
      forget.push(() => clearTimeout(timer));
    }
    if (signal !== undefined) forget.push(onAbort(signal, () => reject(signal.reason)));
  }).finally(() => {
    for (const act of forget) act();
  });
  return { done: all.filter((each) => done.has(each)), pending: all.filter((each) => !done.has(each)) };
}

function listOf<F extends PromiseLike<unknown>>(where: string, futures: Iterable<F>): F[] {
  if (typeof (futures as Partial<Iterable<F>> | null | undefined)?.[Symbol.iterator] !== 'function') {
    throw new InvalidOptionError(`${where} needs an iterable of futures, not ${show(futures)}`);
  }
  const all = [...futures];
  for (const [i, each] of all.entries()) checkFuture(where, each, `element ${i}`);
  return all;
}

function checkFuture(where: string, given: unknown, what: string): void {
  if (typeof (given as Partial<PromiseLike<unknown>> | null | undefined)?.then === 'function') return;
  throw new InvalidOptionError(`${where}: ${what} is no future or promise but ${show(given)}`);
}

/** Futures in the order in which they are settled: what {@link asCompleted} gives. */
export class Completions<F extends PromiseLike<unknown>> implements AsyncIterableIterator<F> {
  readonly #settled: F[] = [];
  /** The next one to be given. */
  #at = 0;
  readonly #forget = new Map<F, () => void>();
  readonly #readers: ((step: IteratorResult<F>) => void)[] = [];
  #left = false;

  /** @throws InvalidOptionError */
  constructor(futures: Iterable<F>) {
    for (const future of listOf('asCompleted', futures)) this.#watch(future);
  }

  /** Those that were not given yet. */
  get size(): number {
    return this.#forget.size + this.#settled.length - this.#at;
  }

  /** More to wait for, also while it is iterated. One that is being waited for is not added again. @throws InvalidOptionError */
  add(...futures: F[]): void {
    for (const [i, each] of futures.entries()) checkFuture('add', each, `argument ${i + 1}`);
    for (const each of futures) this.#watch(each);
  }

  #watch(future: F): void {
    if (this.#left || this.#forget.has(future)) return;
    this.#forget.set(
      future,
      onSettled(future, () => {
        this.#forget.delete(future);
        const reader = this.#readers.shift();
        if (reader === undefined) this.#settled.push(future);
        else reader({ done: false, value: future });
        this.#endReaders();
      }),
    );
  }

  /** Whoever reads on when all were given is at the end. */
  #endReaders(): void {
    if (this.#forget.size > 0 || this.#readers.length === 0) return;
    for (const reader of this.#readers.splice(0)) reader({ done: true, value: undefined });
  }

  /** The next future that is settled; done once all were given. */
  next(): Promise<IteratorResult<F>> {
    if (this.#at < this.#settled.length) {
      const value = this.#settled[this.#at++]!;
      if (this.#at === this.#settled.length) {
        this.#settled.length = 0;
        this.#at = 0;
      }
      return Promise.resolve({ done: false, value });
    }
    if (this.#forget.size === 0) return Promise.resolve({ done: true, value: undefined });
    return new Promise((resolve) => this.#readers.push(resolve));
  }

  /** Waits for no more; the tasks go on. */
  return(): Promise<IteratorResult<F>> {
    this.#left = true;
    for (const forget of this.#forget.values()) forget();
    this.#forget.clear();
    this.#settled.length = 0;
    this.#at = 0;
    this.#endReaders();
    return Promise.resolve({ done: true, value: undefined });
  }

  /** Itself. */
  [Symbol.asyncIterator](): this {
    return this;
  }
}

/**
 * The futures (or other promises) as they are settled, well or not: `for await (const future of asCompleted(futures))`, and
 * `await future` gives its value or throws its error. More can be added while it is iterated ({@link Completions.add}); it ends
 * when all were given. Leaving the loop cancels nothing.
 *
 * @throws InvalidOptionError
 */
export function asCompleted<F extends PromiseLike<unknown>>(futures: Iterable<F>): Completions<F> {
  return new Completions(futures);
}

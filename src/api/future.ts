import { TaskCancelledError } from '../errors.js';

/** `cancelled`: by `cancel()` or an aborted `signal`. A task that ran out of time or lost its worker has `failed`. */
export type FutureState = 'pending' | 'running' | 'done' | 'failed' | 'cancelled';

/** Timestamps are in ms since the epoch, undefined until they happen. */
export interface FutureInfo {
  /** When the call was made. */
  readonly submitted: number;
  /** When the last attempt began. */
  readonly started: number | undefined;
  /** When it was settled. */
  readonly finished: number | undefined;
  /** The worker that ran it last. */
  readonly worker: number | undefined;
  /** Attempts begun. */
  readonly attempts: number;
}

/** What a future asks of the call behind it. */
export interface FutureSource {
  readonly id: string;
  state(): FutureState;
  info(): FutureInfo;
  explain(): string;
  cancel(reason: unknown): boolean;
}

/**
 * How the call behind a future settles it: given to it when the future is made. It fails by the rejected promise that it is
 * resolved with: to hold on to a second function would be a tenth of what a call in flight keeps alive.
 */
export interface Settle {
  resolve: (value: never) => void;
}

/** One executor for all futures: a closure each would cost as much as the promise. */
let resolveNewest: Settle['resolve'];
const catchResolve = (resolve: Settle['resolve']): void => {
  resolveNewest = resolve;
};

/**
 * The result of a task, to come. A promise that also knows its task and can cancel it. `then`, `catch` and
 * `finally` give plain promises.
 */
export class Future<T> extends Promise<T> {
  #source: FutureSource | undefined;

  /** Derived promises are plain: subclassing them too would cost three times as much. */
  static override get [Symbol.species](): PromiseConstructor {
    return Promise;
  }

  /** @internal */
  static make<T>(source: FutureSource & Settle): Future<T> {
    const future = new Future<T>(catchResolve);
    source.resolve = resolveNewest;
    future.#source = source;
    return future;
  }

  get #call(): FutureSource {
    if (this.#source === undefined) throw new TypeError('this future was not made by a pool');
    return this.#source;
  }

  /** The task's id, as in `task().id` and `error.task.id`. */
  get id(): string {
    return this.#call.id;
  }

  /** What has become of the task so far. */
  get state(): FutureState {
    return this.#call.state();
  }

  /** Its times, worker and attempts so far. */
  get info(): FutureInfo {
    return this.#call.info();
  }

  /** In words, what a pending task waits for. */
  explain(): string {
    return this.#call.explain();
  }

  /**
   * Cancels the task: one that waits never starts, one that runs is asked to stop by its `task().signal` and,
   * after its `grace`, made to. The future rejects at once, with `reason` or a TaskCancelledError.
   *
   * @returns false where the task was settled before.
   */
  cancel(reason?: unknown): boolean {
    return this.#call.cancel(reason ?? new TaskCancelledError(`task ${this.id} was cancelled`));
  }

  /** The values of a generator's task, as they come. */
  async *[Symbol.asyncIterator](): AsyncGenerator<T extends AsyncIterable<infer V> ? V : never> {
    yield* (await this) as AsyncIterable<T extends AsyncIterable<infer V> ? V : never>;
  }
}

// `await` and `Promise.all` wrap every promise whose constructor is not Promise; this spares them that.
Object.defineProperty(Future.prototype, 'constructor', {
  value: Promise,
  configurable: true,
  writable: true,
});

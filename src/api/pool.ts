import { type Packed, Packer, putValue, type Ref } from '../codec/index.js';
import { LocalEngine, NestedEngine } from '../engine/index.js';
import { InvalidOptionError, PoolClosedError } from '../errors.js';
import { startProcess, startThread } from '../transport/index.js';
import type { NumericArray } from '../util/numeric-array.js';
import { usableCores } from '../util/usable-cores.js';
import { currentWorker } from '../worker/index.js';
import { startCall } from './call.js';
import type { CallView } from './call-burst.js';
import { collect, drain } from './collect.js';
import { callSite } from './failure.js';
import { fold } from './fold.js';
import type { Future } from './future.js';
import type { AnyIterable } from './input.js';
import { mapInto } from './into.js';
import type { ItemRunSpec } from './item-run-spec.js';
import { ItemStream } from './item-stream.js';
import {
  checkFunction,
  checkMapOptions,
  checkPoolOptions,
  checkRangeOptions,
  checkTaskOptions,
  type MapOptions,
  type PoolOptions,
  type RangeOptions,
  show,
  type TaskOptions,
} from './options.js';
import { CallOperations, decoder, limitsOf, type PoolCore, sendPending } from './pool-core.js';
import { forRange } from './ranges.js';
import type { ElementOf } from './shared.js';
import { asCompleted, type Completions, type Waited, type WaitOptions, wait } from './wait.js';

/** What a call of a function that gives `R` comes to: a generator's values as an async iterable. */
export type TaskResult<R> =
  R extends Generator<infer Y, unknown, unknown>
    ? AsyncIterableIterator<Y>
    : R extends AsyncGenerator<infer Y, unknown, unknown>
      ? AsyncIterableIterator<Y>
      : Awaited<R>;

/** What a parameter of type `T` takes: a value, or a ref or future of one, which arrives as its value. */
export type Arg<T> = T | Ref<T> | Future<T>;

/** As {@link Arg}, for all parameters of a function. */
export type Args<A extends unknown[]> = { [I in keyof A]: Arg<A[I]> };

/** What `run` gives: for generators the future can be iterated itself. */
export type RunResult<R> = [TaskResult<R>] extends [never]
  ? Future<never>
  : TaskResult<R> extends AsyncIterableIterator<infer Y>
    ? Future<AsyncIterableIterator<Y>> & AsyncIterable<Y>
    : Future<TaskResult<R>>;

/** Exact counts at this moment. */
export interface PoolStats {
  /** Tasks that wait. */
  readonly queued: number;
  /** Tasks that have begun and not ended. */
  readonly running: number;
  /** Tasks that ended well. */
  readonly done: number;
  /** Attempts that failed or were cancelled. */
  readonly failed: number;
  /** Attempts after the first. */
  readonly retried: number;
  /** Workers that are there now; they start with the first task. */
  readonly workers: number;
  /** Workers that have something to run. */
  readonly busy: number;
  /** Values kept by `put`, neither freed nor out of reach. */
  readonly refs: number;
  /** Shared memory that they take, in bytes. */
  readonly refBytes: number;
}

/**
 * Workers that run functions. A pool starts its workers when they are first needed, replaces those that die,
 * and keeps the process alive only while it has work.
 *
 * Failures arrive as rejections; the constructor throws InvalidOptionError for options it does not know.
 */
export class Pool implements AsyncDisposable {
  readonly #core: PoolCore;
  readonly #defaults: TaskOptions;
  readonly #pinned: number;
  readonly #view: CallView;

  /** Starts no worker yet. @throws InvalidOptionError; SerializationError where `init` cannot travel */
  constructor(options?: PoolOptions);
  /** @internal */
  constructor(options: PoolOptions | undefined, core?: PoolCore, defaults?: TaskOptions, pinned?: number);
  constructor(options: PoolOptions = {}, core?: PoolCore, defaults: TaskOptions = {}, pinned = -1) {
    if (core === undefined) checkPoolOptions(options);
    this.#core = core ?? localCore(options);
    this.#defaults = defaults;
    this.#pinned = pinned;
    this.#view = { core: this.#core, options: defaults, limits: limitsOf(defaults), pinned };
  }

  /** The pool that the task calling this runs in. @internal */
  static ofWorker(): Pool | undefined {
    const runtime = currentWorker();
    if (runtime === undefined) return undefined;
    const engine = new NestedEngine(runtime);
    return new Pool(undefined, {
      engine,
      name: 'the pool of this worker',
      assets: runtime.assets,
      decode: decoder(runtime.assets),
      hasInit: false,
      ownFlags: false,
      retried: 0,
      calls: new CallOperations(engine),
      pending: undefined,
      sent: 0,
      waiting: new Set(),
    });
  }

  /** Most workers it will have. */
  get size(): number {
    return this.#core.engine.size;
  }

  /**
   * Calls `fn(...args)` in a worker. The function travels with the variables it uses; the task works on copies, of what they are
   * at the call.
   *
   * An argument that is a future is the result of that task: the call is sent once its inputs are there. Where one fails or is
   * cancelled, so does this call, with the same error and without running; it is then not tried again. `deadline` counts from the
   * call, `queueTimeout` and `timeout` from when its inputs are there.
   *
   * Rejects with the function's own error; with SerializationError where something cannot travel, before
   * anything runs; WorkerCrashedError, TaskTimeoutError, TaskCancelledError, PoolClosedError, QueueFullError; or
   * with the reason of an aborted `signal`. A generator function gives an async iterable, read with backpressure.
   */
  run<A extends unknown[], R>(fn: (...args: A) => R, ...args: Args<A>): RunResult<R> {
    return startCall(this.#view, fn, args, this.run) as unknown as RunResult<R>;
  }

  /**
   * `fn(item, index)` for every item, on all workers; results in input order. The input may be any iterable or
   * async iterable and is read as workers need it. `fn` is copied once to each worker that takes part.
   *
   * Rejects with the first error, whose `error.task.index` names the item, and cancels the rest; with
   * `onError: 'settle'` it gives a PromiseSettledResult an item instead. With `into`, a typed array, results are kept
   * there, and a result that is no number (bigint for arrays of those) is its item's failure.
   */
  map<T, R>(
    items: AnyIterable<T | Ref<T>>,
    fn: (item: T, index: number) => R,
    options: MapOptions & { readonly onError: 'settle' },
  ): Promise<PromiseSettledResult<TaskResult<R>>[]>;
  map<T, A extends NumericArray>(
    items: AnyIterable<T | Ref<T>>,
    fn: (item: T, index: number) => ElementOf<A> | PromiseLike<ElementOf<A>>,
    options: MapOptions & { readonly into: A },
  ): Promise<A>;
  map<T, R>(
    items: AnyIterable<T | Ref<T>>,
    fn: (item: T, index: number) => R,
    options?: MapOptions,
  ): Promise<TaskResult<R>[]>;
  async map(items: AnyIterable<unknown>, fn: Function, options?: MapOptions): Promise<unknown> {
    const spec = this.#itemSpec('map', 'map', items, fn, options, this.map);
    return options?.into === undefined ? collect(spec) : mapInto(spec, options.into);
  }

  /**
   * As `map`, for functions that are called for what they do: their results are not sent back. Rejects as `map` does;
   * with `onError: 'settle'`, failures of items are only counted by `onProgress`.
   */
  async forEach<T>(
    items: AnyIterable<T | Ref<T>>,
    fn: (item: T, index: number) => unknown,
    options?: MapOptions,
  ): Promise<void> {
    await drain(this.#itemSpec('forEach', 'each', items, fn, options, this.forEach));
  }

  /**
   * A loop over `0 … n - 1` in pieces: `body(from, to)` for ranges `[from, to)` that cover each index once, on all workers.
   * Workers take ranges as they go, of about 1 ms of work and less near the end, or of `chunk` indices. Nothing is sent
   * for an index and nothing comes back: let the body write into a `shared` array, or another one in shared memory.
   *
   * Rejects as `map` does; `error.task.index` and `error.task.to` are the range of the failure. A range is an attempt:
   * `timeout` and `retries` are for each. With `seed`, ranges (and `task().random`) depend on `n` and `chunk` alone.
   */
  async forRange(
    n: number,
    body: (from: number, to: number) => unknown,
    options?: RangeOptions,
  ): Promise<void> {
    const site = callSite(this.forRange);
    if (!Number.isSafeInteger(n) || n < 0) {
      throw new InvalidOptionError(
        `forRange needs an integer, 0 or more, as its first argument, not ${show(n)}`,
      );
    }
    checkFunction('forRange', 'second argument', body);
    checkRangeOptions(options);
    const { chunk, ...rest } = options ?? {};
    const all: MapOptions = { ...this.#defaults, ...rest };
    await forRange(
      n,
      { core: this.#core, kind: 'each', fn: body, options: all, pinned: this.#pinned, site },
      chunk,
    );
  }

  /**
   * As `map`, with results as they come: in input order, or with `ordered: false` whichever is there first. At most
   * `window` items are in flight or unread, so infinite inputs and slow readers are fine. Leaving the loop
   * cancels the rest: what waits never starts, what runs is stopped. Work begins when reading does.
   *
   * Reading ends with the first error: in input order it gives the results of all items before the one that failed, which
   * are let finish, and then rejects; what comes after it is cancelled at once. With `ordered: false` it rejects as soon as an
   * item fails. With `onError: 'settle'` it goes on.
   */
  stream<T, R>(
    items: AnyIterable<T | Ref<T>>,
    fn: (item: T, index: number) => R,
    options: MapOptions & { readonly onError: 'settle' },
  ): AsyncIterableIterator<PromiseSettledResult<TaskResult<R>>>;
  stream<T, R>(
    items: AnyIterable<T | Ref<T>>,
    fn: (item: T, index: number) => R,
    options?: MapOptions,
  ): AsyncIterableIterator<TaskResult<R>>;
  stream(items: AnyIterable<unknown>, fn: Function, options?: MapOptions): AsyncIterableIterator<unknown> {
    try {
      return new ItemStream(this.#itemSpec('stream', 'map', items, fn, options, this.stream));
    } catch (error) {
      return failing(error);
    }
  }

  /**
   * Folds the input: pieces of it by `step(accumulated, item, index)` in workers, each from a copy of `initial`,
   * and the folded pieces by `combine(a, b)` here, in input order. `combine` has to be associative and `initial`
   * neutral for it (0 for a sum, [] for joined lists). Where the input has a length, the pieces depend on it alone:
   * the same input gives the same floating-point result on any number of workers. Rejects as `map` does, and with what
   * `combine` throws.
   */
  async reduce<T, A>(
    items: AnyIterable<T | Ref<T>>,
    step: (accumulated: A, item: T, index: number) => A | PromiseLike<A>,
    combine: (a: A, b: A) => A | PromiseLike<A>,
    initial: A,
    options?: MapOptions,
  ): Promise<A> {
    checkFunction('reduce', 'third argument (combine)', combine);
    if (options?.onError === 'settle') {
      throw new InvalidOptionError(
        `reduce: option "onError" must be "abort": a fold has no result without every item`,
      );
    }
    const spec = this.#itemSpec('reduce', 'fold', items, step, options, this.reduce);
    return fold(spec, combine as (a: unknown, b: unknown) => unknown, initial) as Promise<A>;
  }

  /**
   * Calls `fn(...args)` once on every worker, starting those that are not there yet; results in worker order. Rejects
   * with the first error; the calls on other workers go on.
   */
  async each<A extends unknown[], R>(fn: (...args: A) => R, ...args: Args<A>): Promise<TaskResult<R>[]> {
    checkFunction('each', 'first argument', fn);
    const workers = this.#pinned >= 0 ? [this.#pinned] : Array.from({ length: this.size }, (_, i) => i);
    const calls = workers.map((pinned) =>
      startCall<TaskResult<R>>({ ...this.#view, pinned }, fn, args, this.each),
    );
    return Promise.all(calls);
  }

  /**
   * Keeps a value in shared memory, for any number of calls: it is written once, and a worker is told of it once. As an
   * argument, or an item of `map` and its like, the ref arrives as its value; inside other data, or captured, it stays a
   * ref, whose `get()` gives the value there, too. Each task gets a copy of its own, but for typed arrays and other
   * views of 64 KiB and more: those are the same memory for all, and not to be written to. What `transfer` marks is empty
   * here afterwards.
   *
   * The value is read before this returns. It is kept until its ref is freed (`ref.free()`, `using`) or nothing can reach it
   * any more, or the pool is closed. Starts no worker. There is nothing to cancel.
   *
   * Rejects with SerializationError where the value cannot travel; PoolClosedError; EngineError where `init` failed.
   */
  async put<T>(value: T): Promise<Ref<T>> {
    sendPending(this.#core);
    const { engine } = this.#core;
    engine.check(0);
    return putValue(value, engine.refs);
  }

  /** {@link wait}, which needs no pool. */
  wait<F extends PromiseLike<unknown>>(futures: Iterable<F>, options?: WaitOptions): Promise<Waited<F>> {
    return wait(futures, options);
  }

  /** {@link asCompleted}, which needs no pool. */
  asCompleted<F extends PromiseLike<unknown>>(futures: Iterable<F>): Completions<F> {
    return asCompleted(futures);
  }

  /** The same workers with other defaults for every call. @throws InvalidOptionError */
  with(options: TaskOptions): Pool {
    checkTaskOptions('with', options);
    return new Pool(undefined, this.#core, { ...this.#defaults, ...options }, this.#pinned);
  }

  /** A view whose calls all go to one worker, numbered from 0. @throws InvalidOptionError */
  worker(index: number): Pool {
    if (!Number.isInteger(index) || index < 0 || index >= this.size) {
      throw new InvalidOptionError(
        `worker: there are workers 0 to ${this.size - 1}, and no worker ${String(index)}`,
      );
    }
    return new Pool(undefined, this.#core, this.#defaults, index);
  }

  /** How many tasks wait, run and have ended, of all calls of the pool and its views. */
  stats(): PoolStats {
    sendPending(this.#core);
    return { ...this.#core.engine.stats(), retried: this.#core.retried };
  }

  /**
   * Takes no more tasks, finishes those it has (streams and generators until they are read to their end or left), disposes
   * of worker-local values and stops the workers. Later calls reject with PoolClosedError.
   */
  close(): Promise<void> {
    sendPending(this.#core);
    return this.#core.engine.close();
  }

  /** Stops the workers now; what is not done rejects with `reason`, by default a PoolClosedError. */
  terminate(reason?: unknown): Promise<void> {
    const error =
      reason instanceof Error
        ? reason
        : new PoolClosedError(
            `${this.#core.name} was terminated${reason === undefined ? '' : `: ${String(reason)}`}`,
          );
    const { engine, waiting } = this.#core;
    sendPending(this.#core);
    for (const call of [...waiting]) call.refused(error);
    return engine.terminate(error);
  }

  /** As {@link close}. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #itemSpec(
    where: string,
    kind: 'map' | 'each' | 'fold',
    items: AnyIterable<unknown>,
    fn: Function,
    options: MapOptions | undefined,
    entry: Function,
  ): ItemRunSpec {
    const site = callSite(entry);
    checkIterable(where, items);
    checkFunction(where, 'second argument', fn);
    checkMapOptions(where, options);
    if (options?.into !== undefined && where !== 'map') {
      throw new InvalidOptionError(`${where}: option "into" is for map`);
    }
    if (options?.ordered !== undefined && where !== 'stream') {
      throw new InvalidOptionError(
        `${where}: option "ordered" is for stream; ${where} keeps the input's order`,
      );
    }
    return {
      core: this.#core,
      kind,
      items,
      fn,
      options: { ...this.#defaults, ...options },
      pinned: this.#pinned,
      site,
    };
  }
}

function checkIterable(where: string, items: unknown): void {
  if (items !== null && items !== undefined) {
    const candidate = items as Partial<Iterable<unknown> & AsyncIterable<unknown>>;
    if (typeof candidate[Symbol.iterator] === 'function') return;
    if (typeof candidate[Symbol.asyncIterator] === 'function') return;
  }
  throw new InvalidOptionError(
    `${where} needs an iterable or async iterable as its first argument, not ${typeof items}`,
  );
}

/** Failures arrive as rejections, those of a stream when it is read. */
function failing(error: unknown): AsyncIterableIterator<never> {
  const iterator: AsyncIterableIterator<never> = {
    next: () => Promise.reject(error),
    [Symbol.asyncIterator]: () => iterator,
  };
  return iterator;
}

let unnamed = 0;

function localCore(options: PoolOptions): PoolCore {
  const name = options.name ?? `pool ${++unnamed}`;
  const apart = options.kind === 'process';
  let init: Packed | undefined;
  if (options.init !== undefined) {
    const packer = new Packer({ exact: true, label: 'init', apart });
    packer.item(options.init);
    init = packer.finish();
  }
  const engine: LocalEngine = new LocalEngine({
    workers: options.workers ?? usableCores().cores,
    tasksPerWorker: options.tasksPerWorker ?? 1,
    maxTasksPerWorker: options.maxTasksPerWorker ?? Number.POSITIVE_INFINITY,
    spares: options.spares ?? (apart ? 1 : 0),
    idleTimeout: options.idleTimeout,
    queueLimit: options.queueLimit ?? Number.POSITIVE_INFINITY,
    name,
    init,
    maxHeapMiB: options.maxHeap === undefined ? undefined : Math.max(1, options.maxHeap / 2 ** 20),
    maxMemory: options.maxMemory,
    env: options.env,
    execArgv: options.execArgv,
    apart,
    startWorker: apart ? startProcess : startThread,
    initError: (packed, then) =>
      decode(
        packed,
        (value) => then(value instanceof Error ? value : new Error(String(value))),
        (error) => then(error as Error),
      ),
  });
  const { assets } = engine;
  const decode = decoder(assets);
  const calls = new CallOperations(engine);
  const hasInit = init !== undefined;
  const ownFlags = options.execArgv !== undefined;
  const now = { retried: 0, pending: undefined, sent: 0, waiting: new Set<never>() };
  return { engine, name, hasInit, ownFlags, assets, decode, calls, ...now };
}

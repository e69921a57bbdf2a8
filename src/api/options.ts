/** Options of all calls: their types, their checks, their defaults. */
import { InvalidOptionError } from '../errors.js';
import { type NumericArray, nameOfArray } from '../util/numeric-array.js';

/** How often, after what pause and for which errors a failed task is tried again. */
export interface RetryOptions {
  /** Attempts after the first. */
  readonly times: number;
  /** ms before the next attempt, or a function of the number of attempts made; default 0. */
  readonly delay?: number | ((attempts: number) => number);
  /** Whether this error is worth another attempt; default: every error is. Called in the calling thread. */
  readonly when?: (error: unknown) => boolean;
}

/** Options of one call, or of all calls of a view (`pool.with(options)`). Times are in ms. */
export interface TaskOptions {
  /** Cancels: what waits never starts, what runs is asked to stop by `task().signal`, then made to. */
  readonly signal?: AbortSignal | undefined;
  /** Longest running time of one attempt; then it rejects with TaskTimeoutError and is stopped. Default: none. */
  readonly timeout?: number | undefined;
  /** Longest time before the task starts. Default: none. */
  readonly queueTimeout?: number | undefined;
  /** Longest time from the call to the result, all attempts together. Default: none. */
  readonly deadline?: number | undefined;
  /** Between asking a running task to stop and stopping its worker. Default 100. */
  readonly grace?: number | undefined;
  /** More attempts for tasks that fail, run out of time or lose their worker. Default 0. */
  readonly retries?: number | RetryOptions | undefined;
  /** Higher goes first; default 0. */
  readonly priority?: number | undefined;
  /** Shown in errors. */
  readonly name?: string | undefined;
  /** Seed of `task().random`; each item has its own stream. Default: a random seed. */
  readonly seed?: number | undefined;
}

/** Options of `map`, `stream`, `forEach` and `reduce`. */
export interface MapOptions extends TaskOptions {
  /** Items sent to a worker as one; `'auto'` (default) follows the measured cost of a call. */
  readonly chunk?: 'auto' | number | undefined;
  /** `stream` only: results in input order (default) or as they come. */
  readonly ordered?: boolean | undefined;
  /** Most items in flight, results not yet read included. Default: about 100 ms of work. */
  readonly window?: number | undefined;
  /** `'abort'` (default): the first error rejects and cancels the rest. `'settle'`: a PromiseSettledResult an item. */
  readonly onError?: 'abort' | 'settle' | undefined;
  /** Called with the state of the operation, at most every 50 ms, and once at its end. */
  readonly onProgress?: ((progress: Progress) => void) | undefined;
  /**
   * `map` only: results are written into this array, each at its item's index, and `map` gives the array. Over shared
   * memory (`shared`) the workers write them themselves and none is sent; any other array is filled at the end.
   */
  readonly into?: NumericArray | undefined;
  /**
   * `'auto'` (default): calls that are too cheap to ship run in the calling thread, in slices of at most 5 ms, where nobody
   * can tell but by the clock: workers have timed the first ones, `chunk`, `timeout`, `queueTimeout`, `deadline`, `signal`
   * and `retries` are not set, the pool has no `init`, and the function has no loop, recursion, await, import or global
   * but pure ones of the language. They get copies of their items, as in a worker. `false`: every call goes to a worker.
   */
  readonly inline?: 'auto' | false | undefined;
  /** Called once when the operation has ended, well or not, with what was decided and why. */
  readonly explain?: ((report: Explanation) => void) | undefined;
}

/** Options of `forRange`. */
export interface RangeOptions extends TaskOptions {
  /** Indices of a range; `'auto'` (default) follows the measured cost, about 1 ms of work, less near the end. */
  readonly chunk?: 'auto' | number | undefined;
  /** `'abort'` (default): the first error rejects and cancels the rest. `'settle'`: the other ranges go on. */
  readonly onError?: 'abort' | 'settle' | undefined;
  /** Called with the state of the loop, counted in indices, at most every 50 ms, and once at its end. */
  readonly onProgress?: ((progress: Progress) => void) | undefined;
}

/** What was decided about an operation, and what came of it. Times are in ms. */
export interface Explanation {
  /** Items that have ended. */
  readonly items: number;
  /** From the call to its end. */
  readonly elapsed: number;
  /** Workers that calls could go to. */
  readonly workers: number;
  /** A call in a worker, on average, with copying its item and result there; undefined where none was timed. */
  readonly cost: number | undefined;
  /** To pack an item and unpack its result in this thread, at best; undefined where too few were shipped to tell. */
  readonly shipping: number | undefined;
  /** Items that were sent to a worker as one. */
  readonly chunks: {
    /** How many such chunks. */
    readonly count: number;
    /** Items of the smallest. */
    readonly smallest: number;
    /** Items of the largest. */
    readonly largest: number;
  };
  /** Items that ran in this thread. */
  readonly inlined: number;
  /** Why calls ran in this thread, or why they did not. */
  readonly reason: string;
  /** Running time of all calls together, wherever they ran, by elapsed time; undefined where none was timed. */
  readonly speedup: number | undefined;
}

/** How far an operation is. */
export interface Progress {
  /** Items finished, failed ones included. */
  readonly done: number;
  /** Items that failed for good, counted in `done` too. */
  readonly failed: number;
  /** Items in all, where the input has a length. */
  readonly total: number | undefined;
  /** Between 0 and 1, where the total is known; counts what tasks report by `task().progress`. */
  readonly fraction: number | undefined;
  /** Items sent and not finished. */
  readonly running: number;
  /** Workers that are there now. */
  readonly workers: number;
  /** Workers that have something to run now. */
  readonly busy: number;
  /** ms since the call. */
  readonly elapsed: number;
  /** Items a second, over the last seconds; 0 until enough has been done to tell. */
  readonly rate: number;
  /** Estimated ms to the end, where the total and the rate are known. */
  readonly remaining: number | undefined;
}

/** Options of a pool. */
export interface PoolOptions {
  /** Default: usable cores (affinity, cgroup quota, SIMUL_WORKERS). */
  readonly workers?: number | undefined;
  /**
   * `'thread'` (default): worker threads of this process. `'process'`: child processes, which can run out of memory or be
   * ended by native code without taking this one along; they share no memory with it.
   * Fastest on Linux with the package koffi; elsewhere by pipes, as with SIMUL_SHARED_MEMORY=off in the environment.
   */
  readonly kind?: 'thread' | 'process' | undefined;
  /** Runs once in each worker before its first task; may be async. If it fails, so do the pool's tasks. */
  readonly init?: (() => unknown) | undefined;
  /**
   * Tasks a worker runs at a time: more than the default of 1 for tasks that wait for I/O. Tasks that share a worker
   * share its end: where one has to be stopped by force, the others it had begun reject with WorkerCrashedError.
   */
  readonly tasksPerWorker?: number | undefined;
  /** Tasks after which a worker is replaced. Default: never. */
  readonly maxTasksPerWorker?: number | undefined;
  /**
   * Workers that are started ahead, in the background, once the pool has work: each stands in at once for a worker that died,
   * and runs `init` before that. They are no workers for `stats()`. Default: 1 for processes, which take long to start, and 0
   * for threads.
   */
  readonly spares?: number | undefined;
  /** ms without work after which a worker is stopped; the next task starts a new one. Default: never. */
  readonly idleTimeout?: number | undefined;
  /**
   * Bytes of JavaScript heap a worker may have. Best effort for threads: some overruns end the whole process. A process
   * that needs more ends alone. Its task rejects with WorkerCrashedError.
   */
  readonly maxHeap?: number | undefined;
  /**
   * Bytes of memory a worker process may have, buffers and native code included; with `kind: 'process'` only. Looked at every
   * 100 ms while there is work. Above it, the worker is replaced: it ends what it runs, and another one has started by then.
   * Above 1.5 times as much, it is ended where a task runs, which rejects with WorkerCrashedError. Default: no limit.
   */
  readonly maxMemory?: number | undefined;
  /**
   * Most tasks that may wait, those for which a worker is free not counted; more reject with QueueFullError. A map whose
   * items do not fit goes on as room comes; calls in tasks were accepted with their task. Default: no limit.
   */
  readonly queueLimit?: number | undefined;
  /** Shown in errors and as the threads' name. */
  readonly name?: string | undefined;
  /** Environment of the workers; default: a copy of this process's. */
  readonly env?: NodeJS.ProcessEnv | undefined;
  /** Node's flags for the workers; default: this process's. */
  readonly execArgv?: readonly string[] | undefined;
}

type Check = (value: unknown) => string | undefined;

const positiveInteger: Check = (v) =>
  Number.isInteger(v) && (v as number) > 0 ? undefined : 'a positive integer';
const milliseconds: Check = (v) =>
  typeof v === 'number' && v >= 0 ? undefined : 'a number of ms, 0 or more';
const positive: Check = (v) => (typeof v === 'number' && v > 0 ? undefined : 'a number greater than 0');
const finite: Check = (v) => (typeof v === 'number' && Number.isFinite(v) ? undefined : 'a finite number');
const text: Check = (v) => (typeof v === 'string' ? undefined : 'a string');
const fn: Check = (v) => (typeof v === 'function' ? undefined : 'a function');
const flag: Check = (v) => (typeof v === 'boolean' ? undefined : 'true or false');
const oneOf =
  (...allowed: readonly unknown[]): Check =>
  (v) =>
    allowed.includes(v) ? undefined : allowed.map((a) => JSON.stringify(a)).join(' or ');

const retries: Check = (v) => {
  if (typeof v === 'number') return Number.isInteger(v) && v >= 0 ? undefined : 'an integer, 0 or more';
  if (v === null || typeof v !== 'object') return 'a number or { times, delay, when }';
  checkOptions('retries', v, {
    times: (n) => (Number.isInteger(n) && (n as number) >= 0 ? undefined : 'an integer, 0 or more'),
    delay: (d) => (typeof d === 'function' ? undefined : milliseconds(d)),
    when: fn,
  });
  return (v as { times?: unknown }).times === undefined ? '{ times, … }: times is missing' : undefined;
};

const taskChecks: Record<string, Check> = {
  signal: (v) => (v instanceof AbortSignal ? undefined : 'an AbortSignal'),
  timeout: positive,
  queueTimeout: milliseconds,
  deadline: positive,
  grace: milliseconds,
  retries,
  priority: finite,
  name: text,
  seed: finite,
};

const rangeChecks: Record<string, Check> = {
  ...taskChecks,
  chunk: (v) => (v === 'auto' ? undefined : positiveInteger(v) && "'auto' or a positive integer"),
  onError: oneOf('abort', 'settle'),
  onProgress: fn,
};

const mapChecks: Record<string, Check> = {
  ...rangeChecks,
  ordered: flag,
  window: positiveInteger,
  into: (v) => (nameOfArray(v) === undefined ? 'a typed array' : undefined),
  inline: oneOf('auto', false),
  explain: fn,
};

const poolChecks: Record<string, Check> = {
  workers: positiveInteger,
  kind: oneOf('thread', 'process'),
  init: fn,
  tasksPerWorker: positiveInteger,
  maxTasksPerWorker: positiveInteger,
  spares: (v) => (Number.isInteger(v) && (v as number) >= 0 ? undefined : 'an integer, 0 or more'),
  idleTimeout: milliseconds,
  maxHeap: positive,
  maxMemory: positive,
  queueLimit: (v) => (Number.isInteger(v) && (v as number) >= 0 ? undefined : 'an integer, 0 or more'),
  name: text,
  env: (v) => (v !== null && typeof v === 'object' ? undefined : 'an object of strings'),
  execArgv: (v) =>
    Array.isArray(v) && v.every((a) => typeof a === 'string') ? undefined : 'an array of strings',
};

function checkOptions(where: string, given: unknown, checks: Record<string, Check>): void {
  if (given === undefined) return;
  if (given === null || typeof given !== 'object') {
    throw new InvalidOptionError(
      `${where}: options are an object, not ${given === null ? 'null' : typeof given}`,
    );
  }
  for (const [name, value] of Object.entries(given)) {
    const check = Object.hasOwn(checks, name) ? checks[name] : undefined;
    if (check === undefined) {
      const known = Object.keys(checks).join(', ');
      throw new InvalidOptionError(`${where}: there is no option "${name}"; there are: ${known}`);
    }
    if (value === undefined) continue;
    const wanted = check(value);
    if (wanted !== undefined) {
      throw new InvalidOptionError(`${where}: option "${name}" must be ${wanted}, not ${show(value)}`);
    }
  }
}

export function show(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value);
  if (typeof value === 'bigint') return `${value}n`;
  if (typeof value === 'function') return 'a function';
  if (value !== null && typeof value === 'object') return Array.isArray(value) ? 'an array' : 'an object';
  return String(value);
}

/** `most`: how many futures there are. @throws InvalidOptionError */
export const checkWaitOptions = (where: string, given: unknown, most: number): void =>
  checkOptions(where, given, {
    count: (v) =>
      Number.isInteger(v) && (v as number) >= 0 && (v as number) <= most
        ? undefined
        : `an integer from 0 to the number of futures (${most})`,
    timeout: milliseconds,
    signal: taskChecks['signal']!,
  });

/** @throws InvalidOptionError naming the option, its value and what is allowed. */
export const checkTaskOptions = (where: string, given: unknown): void =>
  checkOptions(where, given, taskChecks);
export const checkMapOptions = (where: string, given: unknown): void => checkOptions(where, given, mapChecks);
export const checkRangeOptions = (given: unknown): void => checkOptions('forRange', given, rangeChecks);
export function checkPoolOptions(given: unknown): void {
  checkOptions('new Pool', given, poolChecks);
  const { kind, maxMemory } = (given ?? {}) as PoolOptions;
  if (maxMemory === undefined || kind === 'process') return;
  throw new InvalidOptionError(
    'new Pool: option "maxMemory" is for kind: \'process\'; threads have their memory in common: maxHeap is for each',
  );
}

/** Of what a call's items are made: @throws InvalidOptionError */
export function checkFunction(where: string, what: string, value: unknown): void {
  if (typeof value === 'function') return;
  throw new InvalidOptionError(`${where} needs a function as its ${what}, not ${show(value)}`);
}

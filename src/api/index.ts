export { exportByName, type ModuleRef, type Ref, transfer } from '../codec/index.js';
export type { NumericArray, NumericArrayType } from '../util/numeric-array.js';
export { forEach, forRange, map, pool, put, reduce, run, stream } from './default-pool.js';
export { Future, type FutureInfo, type FutureState } from './future.js';
export { type AnyIterable, Batches } from './input.js';
export type {
  Explanation,
  MapOptions,
  PoolOptions,
  Progress,
  RangeOptions,
  RetryOptions,
  TaskOptions,
} from './options.js';
export { type Arg, type Args, Pool, type PoolStats, type RunResult, type TaskResult } from './pool.js';
export { type ElementOf, shared } from './shared.js';
export { asCompleted, Completions, type Waited, type WaitOptions, wait } from './wait.js';

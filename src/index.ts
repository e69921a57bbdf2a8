/** Plain functions on every core. See the README for where to begin. */
import * as api from './api/index.js';
import { markSelf } from './codec/index.js';
import { task, workerLocal } from './worker/index.js';

export {
  type AnyIterable,
  type Arg,
  type Args,
  asCompleted,
  type Completions,
  type ElementOf,
  type Explanation,
  Future,
  type FutureInfo,
  type FutureState,
  forEach,
  forRange,
  type MapOptions,
  map,
  type NumericArray,
  type NumericArrayType,
  Pool,
  type PoolOptions,
  type PoolStats,
  type Progress,
  pool,
  put,
  type RangeOptions,
  type Ref,
  type RetryOptions,
  type RunResult,
  reduce,
  run,
  shared,
  stream,
  type TaskOptions,
  type TaskResult,
  transfer,
  type Waited,
  type WaitOptions,
  wait,
} from './api/index.js';
export { registerType, type TypeRegistration } from './codec/index.js';
export {
  EngineError,
  InvalidOptionError,
  ObjectLostError,
  PoolClosedError,
  QueueFullError,
  SerializationError,
  SimulError,
  TaskCancelledError,
  type TaskOrigin,
  TaskTimeoutError,
  WorkerCrashedError,
} from './errors.js';
export { createRandom, type Random } from './util/random/index.js';
export { type Task, task, workerLocal } from './worker/index.js';

// A bundle holds this package's functions beside the user's: they travel by name, not by value.
markSelf({ ...api, task, workerLocal });

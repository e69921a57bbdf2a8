export { exportByName, type ModuleRef } from '../codec/index.js';
export { forEach, map, pool, reduce, run, stream } from './default-pool.js';
export { Future, type FutureInfo, type FutureState } from './future.js';
export { type AnyIterable, Batches } from './input.js';
export type { MapOptions, PoolOptions, Progress, RetryOptions, TaskOptions } from './options.js';
export { Pool, type PoolStats, type RunResult, type TaskResult } from './pool.js';

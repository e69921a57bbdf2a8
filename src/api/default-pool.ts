/** The calls of everyday work, on one pool that is made when it is first needed. */

import type { Ref } from '../codec/index.js';
import type { NumericArray } from '../util/numeric-array.js';
import type { AnyIterable } from './input.js';
import type { MapOptions, RangeOptions } from './options.js';
import { type Args, Pool, type RunResult, type TaskResult } from './pool.js';
import type { ElementOf } from './shared.js';

let shared: Pool | undefined;

/**
 * The default pool: one worker per usable core, started on first use, never keeping the process alive while it has
 * no work. In a task: the pool that the task runs in.
 */
export function pool(): Pool {
  shared ??= Pool.ofWorker() ?? new Pool({ name: 'the default pool' });
  return shared;
}

/** {@link Pool.run} on the default pool. */
export function run<A extends unknown[], R>(fn: (...args: A) => R, ...args: Args<A>): RunResult<R> {
  return pool().run(fn, ...args);
}

/** {@link Pool.map} on the default pool. */
export function map<T, R>(
  items: AnyIterable<T | Ref<T>>,
  fn: (item: T, index: number) => R,
  options: MapOptions & { readonly onError: 'settle' },
): Promise<PromiseSettledResult<TaskResult<R>>[]>;
export function map<T, A extends NumericArray>(
  items: AnyIterable<T | Ref<T>>,
  fn: (item: T, index: number) => ElementOf<A> | PromiseLike<ElementOf<A>>,
  options: MapOptions & { readonly into: A },
): Promise<A>;
export function map<T, R>(
  items: AnyIterable<T | Ref<T>>,
  fn: (item: T, index: number) => R,
  options?: MapOptions,
): Promise<TaskResult<R>[]>;
export function map(
  items: AnyIterable<unknown>,
  fn: (item: unknown, index: number) => unknown,
  options?: MapOptions,
): Promise<unknown> {
  return pool().map(items, fn, options);
}

/** {@link Pool.stream} on the default pool. */
export function stream<T, R>(
  items: AnyIterable<T | Ref<T>>,
  fn: (item: T, index: number) => R,
  options: MapOptions & { readonly onError: 'settle' },
): AsyncIterableIterator<PromiseSettledResult<TaskResult<R>>>;
export function stream<T, R>(
  items: AnyIterable<T | Ref<T>>,
  fn: (item: T, index: number) => R,
  options?: MapOptions,
): AsyncIterableIterator<TaskResult<R>>;
export function stream(
  items: AnyIterable<unknown>,
  fn: (item: unknown, index: number) => unknown,
  options?: MapOptions,
): AsyncIterableIterator<unknown> {
  return pool().stream(items, fn, options);
}

/** {@link Pool.forEach} on the default pool. */
export function forEach<T>(
  items: AnyIterable<T | Ref<T>>,
  fn: (item: T, index: number) => unknown,
  options?: MapOptions,
): Promise<void> {
  return pool().forEach(items, fn, options);
}

/** {@link Pool.forRange} on the default pool. */
export function forRange(
  n: number,
  body: (from: number, to: number) => unknown,
  options?: RangeOptions,
): Promise<void> {
  return pool().forRange(n, body, options);
}

/** {@link Pool.reduce} on the default pool. */
export function reduce<T, A>(
  items: AnyIterable<T | Ref<T>>,
  step: (accumulated: A, item: T, index: number) => A | PromiseLike<A>,
  combine: (a: A, b: A) => A | PromiseLike<A>,
  initial: A,
  options?: MapOptions,
): Promise<A> {
  return pool().reduce(items, step, combine, initial, options);
}

/** {@link Pool.put} on the default pool. */
export function put<T>(value: T): Promise<Ref<T>> {
  return pool().put(value);
}

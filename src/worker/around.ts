/**
 * Functions of this package's own around the user's, where a call of the operation is more than a call of the function.
 * They travel by name: `[name, function, data]`.
 */
import { EngineError } from '../errors.js';
import { LoopCounter, type LoopWords } from '../memory/index.js';
import { currentTask } from './context.js';

/** A loop whose tasks take their ranges as they start. */
export interface GuidedLoop {
  readonly words: LoopWords;
  /** Units to give out; the last may be shorter than the others. */
  readonly units: number;
  /** Indices a unit has. */
  readonly unit: number;
  readonly n: number;
  readonly workers: number;
}

/** A loop cut beforehand. */
export interface CutLoop {
  readonly n: number;
  readonly chunk: number;
}

export type Around =
  | { readonly name: 'guided'; readonly data: GuidedLoop }
  | { readonly name: 'cut'; readonly data: CutLoop }
  | { readonly name: 'into'; readonly data: NumericArray }
  | { readonly name: 'numbers'; readonly data: Place };

/** Where results are kept that are sent back. */
export interface Place {
  readonly length: number;
  readonly holds: 'number' | 'bigint';
}

type NumericArray = { [index: number]: number | bigint; readonly length: number };
type Body = (from: number, to: number) => unknown;

/** Aimed running time of a range, in ms. */
const TARGET = 1;
/** Least running time worth a range of its own, in ms. */
const LEAST = 0.1;
/** What is left is cut for so many ranges a worker, so that all finish together. */
const SHARES = 3;
/** A range is at most so many times as long as the one before: one call says little of the next. */
const GROWTH = 8;

/** What `instance()` of an operation calls: the function itself, or one around it. */
export function functionOf(made: unknown): Function {
  if (typeof made === 'function') return made;
  const [name, fn, data] = made as [Around['name'], Function, never];
  switch (name) {
    case 'guided':
      return guided(fn as Body, data);
    case 'cut':
      return cut(fn as Body, data);
    case 'into':
      return into(fn, data);
    case 'numbers':
      return numbers(fn, data);
    default:
      throw new EngineError(`there is no function around others named ${String(name satisfies never)}`);
  }
}

/** A task of the loop: takes a range that is worth {@link TARGET} by what the last one here has cost. */
function guided(body: Body, loop: GuidedLoop): (lane: number) => unknown {
  const counter = new LoopCounter(loop.units, loop.words);
  const share = SHARES * loop.workers;
  /** ms a unit. */
  let cost = 0;
  let last = 0;
  const size = (left: number): number =>
    last === 0 ? 1 : Math.min(TARGET / cost, Math.max(left / share, LEAST / cost), last * GROWTH);
  const ended = (units: number, begun: number): void => {
    cost = Math.max((performance.now() - begun) / units, 1e-9);
    last = units;
  };
  return (lane) => {
    const task = currentTask();
    // Another attempt has the range of the one before.
    const again = task !== undefined && task.attempt > 1 && counter.taken(lane) !== undefined;
    if (!again && !counter.take(lane, size)) return undefined;
    const { from, to } = counter.taken(lane)!;
    const first = from * loop.unit;
    if (task !== undefined) task.index = first;
    const begun = performance.now();
    const result = body(first, Math.min(loop.n, to * loop.unit));
    if (isThenable(result)) return result.then(() => ended(to - from, begun));
    ended(to - from, begun);
    return result;
  };
}

function cut(body: Body, { n, chunk }: CutLoop): (at: number) => unknown {
  return (at) => {
    const from = at * chunk;
    const task = currentTask();
    if (task !== undefined) task.index = from;
    return body(from, Math.min(n, from + chunk));
  };
}

/** Calls the function and keeps its result in the array, or says why it has no place there. */
function into(fn: Function, array: NumericArray): (item: unknown, index: number) => unknown {
  const holds = array instanceof BigInt64Array || array instanceof BigUint64Array ? 'bigint' : 'number';
  const place = { length: array.length, holds } as const;
  const keep = (index: number, result: unknown): void => {
    array[index] = fitting(place, index, result) as number;
  };
  return (item, index) => {
    const result: unknown = fn(item, index);
    return isThenable(result) ? result.then((value) => keep(index, value)) : keep(index, result);
  };
}

/** Gives the result, or says why it has no place in the array that it is for. */
function numbers(fn: Function, place: Place): (item: unknown, index: number) => unknown {
  return (item, index) => {
    const result: unknown = fn(item, index);
    if (isThenable(result)) return result.then((value) => fitting(place, index, value));
    return fitting(place, index, result);
  };
}

function fitting({ length, holds }: Place, index: number, result: unknown): unknown {
  if (index >= length)
    throw new RangeError(`item ${index} has no place in "into", whose length is ${length}`);
  if (typeof result === holds) return result;
  throw new TypeError(`the result of item ${index} is ${kindOf(result)}, and "into" takes ${holds}s only`);
}

export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return (
    value !== null &&
    (typeof value === 'object' || typeof value === 'function') &&
    typeof (value as { then?: unknown }).then === 'function'
  );
}

function kindOf(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  if (Array.isArray(value)) return 'an array';
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}

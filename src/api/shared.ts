import { InvalidOptionError } from '../errors.js';
import {
  type NumericArray,
  type NumericArrayType,
  nameOfArray,
  nameOfType,
  takesBigInts,
} from '../util/numeric-array.js';
import { show } from './options.js';

/** What an array of this kind holds. */
export type ElementOf<A> = A extends BigInt64Array | BigUint64Array ? bigint : number;

type Shareable = new (memory: SharedArrayBuffer) => NumericArray;

/**
 * A typed array in memory that all workers of this process share: captured, passed or returned, it is never copied, and
 * what one side writes the other sees. To order those writes is up to you: give each task places of its own (as
 * `forRange` does), or use `Atomics`. `subarray` and other views of its buffer share it too.
 *
 * `length` elements of 0, or as many as `values` has: numbers (bigints for `BigInt64Array` and `BigUint64Array`).
 *
 * @throws InvalidOptionError where `type` is no constructor of typed arrays, for a bad length or value, and where the
 * machine has no room for so many.
 */
export function shared<T extends NumericArrayType>(type: T, length: number): T['prototype'];
export function shared<T extends NumericArrayType>(
  type: T,
  values: Iterable<ElementOf<T['prototype']>> | ArrayLike<ElementOf<T['prototype']>>,
): T['prototype'];
export function shared(type: NumericArrayType, lengthOrValues: unknown): NumericArray {
  const name = nameOfType(type);
  if (name === undefined) {
    throw new InvalidOptionError(
      `shared needs a constructor of typed arrays as its first argument, such as Float64Array, not ${nameOf(type)}`,
    );
  }
  if (typeof lengthOrValues === 'number') return allocate(type, name, lengthOrValues);
  const values = valuesOf(name, lengthOrValues);
  const array = allocate(type, name, values.length);
  (array as { set(values: unknown): void }).set(values);
  return array;
}

function nameOf(type: unknown): string {
  return typeof type === 'function' && type.name !== '' ? type.name : show(type);
}

export function allocate(type: NumericArrayType, name: string, length: number): NumericArray {
  if (!Number.isSafeInteger(length) || length < 0) {
    throw new InvalidOptionError(
      `shared: the length of a ${name} must be an integer, 0 or more, not ${length}`,
    );
  }
  const bytes = length * type.BYTES_PER_ELEMENT;
  try {
    return new (type as unknown as Shareable)(new SharedArrayBuffer(bytes));
  } catch (error) {
    throw new InvalidOptionError(
      `shared: this machine has no room for a ${name} of ${length} elements (${bytes} bytes)`,
      { cause: error },
    );
  }
}

/** The values, looked at one by one: typed arrays would make a number of almost anything. */
function valuesOf(name: string, given: unknown): ArrayLike<unknown> {
  const wanted = takesBigInts(name) ? 'bigint' : 'number';
  const source = nameOfArray(given);
  if (source !== undefined) {
    if ((takesBigInts(source) ? 'bigint' : 'number') === wanted) return given as NumericArray;
    throw new InvalidOptionError(`shared: a ${name} takes ${wanted}s, which a ${source} has none of`);
  }
  const values = listOf(given);
  if (values === undefined) {
    throw new InvalidOptionError(
      `shared needs a length or values (an array, an iterable) as its second argument, not ${show(given)}`,
    );
  }
  for (let i = 0; i < values.length; i++) {
    if (typeof values[i] === wanted) continue;
    throw new InvalidOptionError(`shared: a ${name} takes ${wanted}s; value ${i} is ${show(values[i])}`);
  }
  return values;
}

function listOf(given: unknown): ArrayLike<unknown> | undefined {
  if (Array.isArray(given)) return given;
  if (given === null || typeof given !== 'object') return undefined;
  if (typeof (given as Partial<Iterable<unknown>>)[Symbol.iterator] === 'function') {
    return [...(given as Iterable<unknown>)];
  }
  const { length } = given as { length?: unknown };
  return Number.isSafeInteger(length) && (length as number) >= 0 ? (given as ArrayLike<unknown>) : undefined;
}

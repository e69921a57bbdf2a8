/** The kinds of typed arrays, known by name: a test runner's realm has constructors of its own. */
import { types } from 'node:util';

/** A typed array of any kind. */
export type NumericArray =
  | Int8Array
  | Uint8Array
  | Uint8ClampedArray
  | Int16Array
  | Uint16Array
  | Int32Array
  | Uint32Array
  | Float32Array
  | Float64Array
  | BigInt64Array
  | BigUint64Array;

/** A constructor of typed arrays, such as `Float64Array`. */
export interface NumericArrayType {
  /** What its arrays inherit from. */
  readonly prototype: NumericArray;
  /** Size of an element. */
  readonly BYTES_PER_ELEMENT: number;
}

/** By name, in an order that what is encoded relies on. */
export const NUMERIC_TYPES = [
  'Int8Array',
  'Uint8Array',
  'Uint8ClampedArray',
  'Int16Array',
  'Uint16Array',
  'Int32Array',
  'Uint32Array',
  'Float32Array',
  'Float64Array',
  'BigInt64Array',
  'BigUint64Array',
  'Float16Array',
] as const;
const NAMES: ReadonlySet<string> = new Set(NUMERIC_TYPES);

/** The name of the constructor; undefined for anything but a constructor of the language's own typed arrays. */
export function nameOfType(type: unknown): string | undefined {
  if (typeof type !== 'function' || !NAMES.has(type.name)) return undefined;
  // All inherit from one constructor that has no global name; a class of that name does not.
  const parent: unknown = Object.getPrototypeOf(type);
  return (parent as Function).name === 'TypedArray' ? type.name : undefined;
}

/** The name of the array's type: of a subclass, that of the language's own. Undefined for anything else. */
export function nameOfArray(value: unknown): string | undefined {
  if (!types.isTypedArray(value)) return undefined;
  return value[Symbol.toStringTag];
}

export const takesBigInts = (name: string): boolean => name.startsWith('Big');

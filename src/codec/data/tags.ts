import { NUMERIC_TYPES } from '../../util/numeric-array.js';

/** The first byte of every encoded value. Whole numbers are little-endian; see ../README.md for what follows each tag. */
export const Tag = {
  undefined: 0,
  null: 1,
  false: 2,
  true: 3,
  int32: 4,
  double: 5,
  latin1: 6,
  latin1Long: 7,
  utf16: 8,
  bigint: 9,
  symbolUnique: 10,
  symbolRegistered: 11,
  symbolWellKnown: 12,
  ref: 13,
  constantString: 14,
  // The class of an instance, which is an asset.
  sharedClass: 15,
  // An object whose content follows behind the value; takes a number as all below do.
  later: 31,
  // From here on every tag begins an object, which takes the next reference number.
  plain: 32,
  nullPrototype: 33,
  exact: 34,
  array: 35,
  int32Array: 36,
  doubleArray: 37,
  sparse: 38,
  date: 39,
  regexp: 40,
  map: 41,
  set: 42,
  error: 43,
  buffer: 44,
  bufferExtra: 45,
  bufferConstant: 46,
  sharedBuffer: 47,
  view: 48,
  nodeBuffer: 49,
  boxed: 50,
  url: 51,
  searchParams: 52,
  domException: 53,
  instance: 54,
  host: 55,
  custom: 56,
  special: 57,
  code: 58,
  exported: 59,
  intrinsic: 60,
  bound: 61,
  resizableBuffer: 62,
  rebuilt: 63,
  shape: 64,
  flat: 65,
  // What `put` has kept: a handle to it; the value itself.
  storedRef: 66,
  storedValue: 67,
  // What was not there yet when the value was packed; the packed value and what fills it.
  blank: 68,
  filled: 69,
} as const;

export const VIEW_TYPES = [...NUMERIC_TYPES, 'DataView'] as const;

/** By place; `dispose` and `asyncDispose` are missing on no Node that is supported. */
export const WELL_KNOWN_SYMBOLS: readonly symbol[] = [
  Symbol.iterator,
  Symbol.asyncIterator,
  Symbol.hasInstance,
  Symbol.toPrimitive,
  Symbol.toStringTag,
  Symbol.species,
  Symbol.isConcatSpreadable,
  Symbol.match,
  Symbol.matchAll,
  Symbol.replace,
  Symbol.search,
  Symbol.split,
  Symbol.unscopables,
  Symbol.dispose,
  Symbol.asyncDispose,
];

/** Buffers from this size on travel beside the bytes. */
export const OUT_OF_BAND = 16 * 1024;
/** Buffers of arguments that are moved rather than copied and emptied, from this size on: they are fetched by the worker. */
export const MOVED = 256 * 1024;
/** Captured buffers and strings from this size on go to a worker once, by their content. */
export const CONSTANT = 64 * 1024;

/** Property flags in `exact` records. */
export const ENUMERABLE = 1;
export const WRITABLE = 2;
export const CONFIGURABLE = 4;
export const ACCESSOR = 8;
export const ORDINARY = ENUMERABLE | WRITABLE | CONFIGURABLE;

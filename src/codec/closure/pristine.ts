/**
 * Whether the language's own objects are as they were: what a program adds to them or replaces is there in its own thread
 * and in no worker, so that code which reads it could tell where it runs.
 */
import { types } from 'node:util';
import { runInNewContext, runInThisContext } from 'node:vm';

/**
 * What light functions can come to, however they go about it: evaluated in the realm that is asked about. To `Symbol` and
 * `Error`, to which Node.js and others add things, they cannot: they make no errors, and symbols are no data.
 */
const OWNERS = `[
  Object, Function, Array, String, Number, Boolean, BigInt, Date, RegExp, Map, Set, ArrayBuffer,
  SharedArrayBuffer, DataView, Object.getPrototypeOf(Uint8Array), Int8Array, Uint8Array, Uint8ClampedArray, Int16Array,
  Uint16Array, Int32Array, Uint32Array, Float32Array, Float64Array, BigInt64Array, BigUint64Array, isFinite, isNaN,
  parseFloat, parseInt,
].flatMap((made) => [made, made.prototype ?? Object.prototype]).concat(
  [[][Symbol.iterator](), ''[Symbol.iterator](), new Map().keys(), new Set().keys()].map(Object.getPrototypeOf),
  [Math],
)`;
const CODE_OF_ITS_OWN = /\{\s*\[native code\]\s*\}$/;

/** Keys in a realm that no program has touched; made once. */
let original: readonly ReadonlySet<string | symbol>[] | undefined;

/** False where anything was added, taken away or replaced. Takes a fraction of a millisecond. */
export function isPristine(): boolean {
  original ??= (runInNewContext(OWNERS) as object[]).map((owner) => new Set(Reflect.ownKeys(owner)));
  let owners: readonly object[];
  try {
    owners = runInThisContext(OWNERS) as object[];
  } catch {
    // It takes the language's own functions to list them.
    return false;
  }
  return owners.every((owner, i) => isAsMade(owner, original![i]!));
}

function isAsMade(owner: object, keys: ReadonlySet<string | symbol>): boolean {
  if (types.isProxy(owner) || !isOwn(owner)) return false;
  const own = Reflect.ownKeys(owner);
  return own.length === keys.size && own.every((key) => keys.has(key) && isOwnPart(owner, key));
}

function isOwnPart(owner: object, key: string | symbol): boolean {
  const { value, get } = Object.getOwnPropertyDescriptor(owner, key)!;
  return isOwn(value) && isOwn(get);
}

/** Not code of anybody else's. */
function isOwn(value: unknown): boolean {
  if (typeof value !== 'function') return true;
  return !types.isProxy(value) && CODE_OF_ITS_OWN.test(Function.prototype.toString.call(value));
}

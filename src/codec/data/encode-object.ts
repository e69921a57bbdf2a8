/** Objects that are not functions: plain data fast, everything else by what it is. */
import { types } from 'node:util';
import { serialize } from 'node:v8';
import { isInt32 } from '../../util/is-int32.js';
import { intrinsicPath, lazyGlobalPath } from '../closure/index.js';
import { encodeBlanks } from './blanks.js';
import { encodeError } from './encode-error.js';
import { encodeInstance, tryOrdinary } from './encode-instance.js';
import { encodeBuffer, encodeView } from './encode-view.js';
import type { Encoder } from './encoder.js';
import { encodeHost, isHost } from './host-objects.js';
import { encodeProperties, isOrdinary, restrictionOf, step } from './properties.js';
import { encodeRebuilt } from './rebuilt.js';
import { encodeStored } from './ref.js';
import { registeredTypes, specialOf, typeOf } from './registry.js';
import { Tag } from './tags.js';
import { provideType } from './type-assets.js';
import { shapeOf } from './write-shape.js';

const { prototype: objectPrototype } = Object;
const { prototype: arrayPrototype } = Array;
/** Arrays of numbers from this length on are looked at by V8. */
const LONG = 256;

export function encodeObject(encoder: Encoder, value: object): void {
  if (types.isProxy(value)) {
    encoder.refuse(
      'it is a Proxy, whose handler cannot be copied; pass the object behind it, or a copy ({ ...object })',
    );
  }
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype === objectPrototype) return encodePlain(encoder, value, Tag.plain);
  if (prototype === arrayPrototype && Array.isArray(value)) return encodeArray(encoder, value);
  encodeOther(encoder, value, prototype);
}

function encodeIntrinsic(encoder: Encoder, path: string): void {
  encoder.u8(Tag.intrinsic);
  encoder.text(path);
}

/** Things of which every thread has one of its own. */
function intrinsic(value: object): string | undefined {
  return intrinsicPath(value) ?? lazyGlobalPath(value) ?? standardStream(value);
}

/** `process.stdout`: looked at only for streams that can be it, as a look opens it. */
function standardStream(value: object): string | undefined {
  const { fd } = value as { fd?: unknown };
  const name = fd === 1 ? 'stdout' : fd === 2 ? 'stderr' : undefined;
  return name !== undefined && process[name] === value ? `process.${name}` : undefined;
}

function encodeOther(encoder: Encoder, value: object, prototype: unknown): void {
  if (encodeStored(encoder, value, prototype)) return;
  if (encodeBlanks(encoder, value, prototype)) return;
  if (registeredTypes().size > 0) {
    const type = typeOf(value);
    if (type !== undefined) {
      provideType(encoder, type);
      encoder.u8(Tag.custom);
      encoder.text(type.name);
      return encoder.complete(() => encoder.value(type.encode(value)));
    }
  }
  const special = specialOf(value);
  if (special !== undefined) {
    encoder.u8(Tag.special);
    encoder.text(special.name);
    return encoder.value(special.toData(value));
  }
  if (prototype === null) {
    const path = intrinsic(value);
    return path === undefined
      ? encodePlain(encoder, value, Tag.nullPrototype)
      : encodeIntrinsic(encoder, path);
  }
  if (tryOrdinary(encoder, value, prototype as object)) return;
  if (hasMore(encoder, value)) return encodeInstance(encoder, value, prototype as object);
  if (encodeBuiltin(encoder, value, false)) return;
  const path = intrinsic(value);
  if (path !== undefined) return encodeIntrinsic(encoder, path);
  // The environment is a copy like any other captured object.
  if (isForeignPlain(prototype) || value === process.env) return encodePlain(encoder, value, Tag.plain);
  if (encodeRebuilt(encoder, value)) return;
  if (isHost(value)) return encodeHost(encoder, value);
  encodeInstance(encoder, value, prototype as object);
}

/** A Map, Set, Date or RegExp with properties of its own besides, or one that was frozen. */
function hasMore(encoder: Encoder, value: object): boolean {
  if (!types.isMap(value) && !types.isSet(value) && !types.isDate(value) && !types.isRegExp(value))
    return false;
  return Object.keys(value).length > 0 || (encoder.exact && !Object.isExtensible(value));
}

/** `Object.prototype` of another realm, such as a vm context that a test runner made. */
function isForeignPlain(prototype: unknown): boolean {
  return (
    Object.getPrototypeOf(prototype) === null &&
    Object.hasOwn(prototype as object, 'hasOwnProperty') &&
    Object.hasOwn(prototype as object, 'isPrototypeOf')
  );
}

/** Builtin constructors that were recognised; to ask for their text is slow. */
const native = new WeakMap<Function, string>();

/** Whether a builtin's value is of the builtin itself, of this realm or another, and not of a subclass. */
export function isDirect(value: object, name: string): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  const type = (prototype as { constructor?: unknown } | null)?.constructor;
  if (typeof type !== 'function' || type.prototype !== prototype) return false;
  const known = native.get(type);
  if (known !== undefined) return known === name;
  if (type.name !== name || !Function.prototype.toString.call(type).endsWith('{ [native code] }'))
    return false;
  native.set(type, name);
  return true;
}

/** Builtins with hidden state. `asBase`: the value is of a subclass, which is written around it. */
export function encodeBuiltin(encoder: Encoder, value: object, asBase: boolean): boolean {
  const is = (name: string): boolean => asBase || isDirect(value, name);
  if (Array.isArray(value)) {
    if (!is('Array')) return false;
    encodeArray(encoder, value);
  } else if (types.isMap(value)) {
    if (!is('Map')) return false;
    encodeMap(encoder, value);
  } else if (types.isSet(value)) {
    if (!is('Set')) return false;
    encodeSet(encoder, value);
  } else if (types.isDate(value)) {
    if (!is('Date')) return false;
    encoder.u8(Tag.date);
    encoder.double(value.getTime());
  } else if (types.isRegExp(value)) {
    if (!is('RegExp')) return false;
    encoder.u8(Tag.regexp);
    encoder.text(value.source);
    encoder.text(value.flags);
    encoder.value(value.lastIndex);
  } else if (types.isNativeError(value) || value instanceof DOMException) {
    encodeError(encoder, value as Error);
  } else if (ArrayBuffer.isView(value)) {
    return encodeView(encoder, value, asBase);
  } else if (types.isSharedArrayBuffer(value)) {
    if (encoder.apart) {
      encoder.refuse(
        "it is shared memory, which processes cannot have in common: use a pool of kind 'thread', or send a copy",
      );
    }
    encoder.u8(Tag.sharedBuffer);
    encoder.u32(encoder.extras.push(value) - 1);
  } else if (types.isArrayBuffer(value)) {
    if (!is('ArrayBuffer')) return false;
    encodeBuffer(encoder, value);
  } else if (types.isBoxedPrimitive(value)) {
    encoder.u8(Tag.boxed);
    encoder.value((value as { valueOf(): unknown }).valueOf());
  } else if (value instanceof URL) {
    encoder.u8(Tag.url);
    encoder.text(value.href);
  } else if (value instanceof URLSearchParams) {
    encoder.u8(Tag.searchParams);
    encoder.text(value.toString());
  } else {
    return false;
  }
  return true;
}

function encodePlain(encoder: Encoder, value: object, tag: number): void {
  const keys = Object.keys(value);
  const { length } = keys;
  if (length === 0) {
    // `Math`, `JSON` and the like, which show no properties.
    const path = intrinsicPath(value);
    if (path !== undefined) return encodeIntrinsic(encoder, path);
  }
  if (keys[0] === '0' && types.isArgumentsObject(value)) {
    return encodeArray(encoder, Array.from(value as unknown as ArrayLike<unknown>));
  }
  if (encoder.exact && !isOrdinary(value)) return encodeExact(encoder, value, tag);
  const record = value as Record<string, unknown>;
  const watched = encoder.path !== undefined;
  if (tag === Tag.plain && !encoder.exact && !watched) {
    const write = shapeOf(keys);
    if (write !== undefined) return write(encoder, record);
  }
  encoder.u8(tag);
  encoder.u32(length);
  if (!watched) {
    for (let i = 0; i < length; i++) {
      const key = keys[i]!;
      encoder.text(key);
      encoder.slot(record[key]);
    }
    return;
  }
  for (const key of keys) {
    encoder.text(key);
    encoder.member(step(key), record[key]);
  }
}

function encodeExact(encoder: Encoder, value: object, tag: number): void {
  encoder.u8(Tag.exact);
  encoder.u8(tag);
  encoder.u8(restrictionOf(value));
  encodeProperties(encoder, value, Reflect.ownKeys(value));
}

function encodeArray(encoder: Encoder, value: readonly unknown[]): void {
  const { length } = value;
  const restricted = encoder.exact && !Object.isExtensible(value);
  if (length >= 8 && typeof value[0] === 'number' && !restricted && encodeNumbers(encoder, value)) return;
  if (restricted || (value !== encoder.dense && !hasOnlyElements(value))) return encodeSparse(encoder, value);
  encoder.u8(Tag.array);
  encoder.u32(length);
  if (encoder.path !== undefined) {
    for (let i = 0; i < length; i++) encoder.member(`[${i}]`, value[i]);
    return;
  }
  for (let i = 0; i < length; i++) encoder.slot(value[i]);
}

/** No holes and nothing beside the elements: then the last of as many keys as there are places is the last place. */
function hasOnlyElements(value: readonly unknown[]): boolean {
  const { length } = value;
  const keys = Object.keys(value);
  return keys.length === length && (length === 0 || keys[length - 1] === String(length - 1));
}

/** As {@link hasOnlyElements}. To list a million keys takes far longer than to let V8 write the numbers. */
function hasOnlyNumbers(value: readonly number[]): boolean {
  if (value.length < LONG) return hasOnlyElements(value);
  const bytes = serialize(value);
  // …, '$', how many properties, the length; both in groups of seven bits. Anything else takes the slow way.
  let at = bytes.length;
  for (let rest = value.length; rest > 0; rest >>>= 7) at -= 1;
  return (bytes[at - 1] === 0 && bytes[at - 2] === 0x24) || hasOnlyElements(value);
}

/** Arrays of numbers only, whole numbers apart: those come back as small integers, which are faster to use. */
function encodeNumbers(encoder: Encoder, value: readonly unknown[]): boolean {
  const { length } = value;
  let integers = true;
  for (let i = 0; i < length; i++) {
    const item = value[i];
    if (typeof item !== 'number') return false;
    if (!isInt32(item)) integers = false;
  }
  if (!hasOnlyNumbers(value as number[])) return false;
  encoder.u8(integers ? Tag.int32Array : Tag.doubleArray);
  encoder.u32(length);
  encoder.numbers(value as number[], integers);
  return true;
}

/** Holes, properties beside the elements, frozen arrays. */
function encodeSparse(encoder: Encoder, value: readonly unknown[]): void {
  encoder.u8(Tag.sparse);
  encoder.u32(value.length);
  encoder.u8(encoder.exact ? restrictionOf(value) : 0);
  const keys = encoder.exact ? Reflect.ownKeys(value).filter((key) => key !== 'length') : Object.keys(value);
  encodeProperties(encoder, value, keys);
}

function encodeMap(encoder: Encoder, value: Map<unknown, unknown>): void {
  const entries = [...Map.prototype.entries.call(value)] as [unknown, unknown][];
  encoder.u8(Tag.map);
  encoder.u32(entries.length);
  for (const [key, item] of entries) {
    encoder.part('.keys()', key);
    encoder.member(`.get(${typeof key === 'string' ? JSON.stringify(key) : typeof key})`, item);
  }
}

function encodeSet(encoder: Encoder, value: Set<unknown>): void {
  const values = [...Set.prototype.values.call(value)];
  encoder.u8(Tag.set);
  encoder.u32(values.length);
  for (const item of values) encoder.part('.values()', item);
}

/** Objects that are not functions: plain data fast, everything else by what it is. */
import { types } from 'node:util';
import { intrinsicPath } from '../closure/index.js';
import { encodeError } from './encode-error.js';
import { encodeInstance } from './encode-instance.js';
import { encodeView } from './encode-view.js';
import type { Encoder } from './encoder.js';
import { encodeHost, isHost } from './host-objects.js';
import { encodeProperties, isOrdinary, restrictionOf, step } from './properties.js';
import { registeredTypes, specialOf, typeOf } from './registry.js';
import { Tag } from './tags.js';
import { provideType } from './type-assets.js';

const { prototype: objectPrototype } = Object;
const { prototype: arrayPrototype } = Array;

export function encodeObject(encoder: Encoder, value: object): void {
  const prototype: unknown = Object.getPrototypeOf(value);
  if (types.isProxy(value)) {
    encoder.refuse(
      'it is a Proxy, whose handler cannot be copied; pass the object behind it, or a copy ({ ...object })',
    );
  }
  if (prototype === objectPrototype && intrinsicFree(encoder, value)) {
    return encodePlain(encoder, value, Tag.plain);
  }
  if (prototype === arrayPrototype && Array.isArray(value)) return encodeArray(encoder, value);
  encodeOther(encoder, value, prototype);
}

/** Only captured data can hold `Math`, `JSON` and the like, which are plain objects too. */
function intrinsicFree(encoder: Encoder, value: object): boolean {
  return !encoder.exact || intrinsicPath(value) === undefined;
}

function encodeOther(encoder: Encoder, value: object, prototype: unknown): void {
  if (registeredTypes().size > 0) {
    const type = typeOf(value);
    if (type !== undefined) {
      provideType(encoder, type);
      encoder.u8(Tag.custom);
      encoder.text(type.name);
      return encoder.value(type.encode(value));
    }
  }
  const special = specialOf(value);
  if (special !== undefined) {
    encoder.u8(Tag.special);
    encoder.text(special.name);
    return encoder.value(special.toData(value));
  }
  const path = intrinsicPath(value);
  if (path !== undefined) {
    encoder.u8(Tag.intrinsic);
    return encoder.text(path);
  }
  if (prototype === null) return encodePlain(encoder, value, Tag.nullPrototype);
  if (encodeBuiltin(encoder, value, false)) return;
  if (isForeignPlain(prototype)) return encodePlain(encoder, value, Tag.plain);
  if (isHost(value)) return encodeHost(encoder, value);
  encodeInstance(encoder, value, prototype as object);
}

/** `Object.prototype` of another realm, such as a vm context that a test runner made. */
function isForeignPlain(prototype: unknown): boolean {
  return (
    Object.getPrototypeOf(prototype) === null &&
    Object.hasOwn(prototype as object, 'hasOwnProperty') &&
    Object.hasOwn(prototype as object, 'isPrototypeOf')
  );
}

/** Whether a builtin's value is of the builtin itself, of this realm or another, and not of a subclass. */
export function isDirect(value: object, name: string): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  const type = (prototype as { constructor?: Function } | null)?.constructor;
  return (
    typeof type === 'function' &&
    type.name === name &&
    type.prototype === prototype &&
    Function.prototype.toString.call(type).endsWith('{ [native code] }')
  );
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
    encoder.u8(Tag.sharedBuffer);
    encoder.u32(encoder.extras.push(value) - 1);
  } else if (types.isArrayBuffer(value)) {
    if (!is('ArrayBuffer')) return false;
    encoder.content(new Uint8Array(value));
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
  if (encoder.exact && !isOrdinary(value)) return encodeExact(encoder, value, tag);
  const keys = Object.keys(value);
  const { length } = keys;
  encoder.u8(tag);
  encoder.u32(length);
  const record = value as Record<string, unknown>;
  if (encoder.path === undefined) {
    for (let i = 0; i < length; i++) {
      const key = keys[i]!;
      encoder.text(key);
      encoder.value(record[key]);
    }
    return;
  }
  for (const key of keys) {
    encoder.text(key);
    encoder.part(step(key), record[key]);
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
  if (length >= 8 && typeof value[0] === 'number' && !encoder.exact && encodeNumbers(encoder, value)) return;
  if (Object.keys(value).length !== length || (encoder.exact && !Object.isExtensible(value))) {
    return encodeSparse(encoder, value);
  }
  encoder.u8(Tag.array);
  encoder.u32(length);
  for (let i = 0; i < length; i++) {
    if (encoder.path === undefined) encoder.value(value[i]);
    else encoder.part(`[${i}]`, value[i]);
  }
}

/** Arrays of numbers only, whole numbers apart: those come back as small integers, which are faster to use. */
function encodeNumbers(encoder: Encoder, value: readonly unknown[]): boolean {
  const { length } = value;
  let integers = true;
  for (let i = 0; i < length; i++) {
    const item = value[i];
    if (typeof item !== 'number') return false;
    if ((item | 0) !== item || (item === 0 && 1 / item < 0)) integers = false;
  }
  // Numbers all along, so without holes; what stands beside the elements is rare enough to look for last.
  if (Object.keys(value).length !== length) return false;
  encoder.u8(integers ? Tag.int32Array : Tag.doubleArray);
  encoder.u32(length);
  const numbers = integers ? Int32Array.from(value as number[]) : Float64Array.from(value as number[]);
  encoder.raw(new Uint8Array(numbers.buffer));
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
    encoder.part(`.get(${typeof key === 'string' ? JSON.stringify(key) : typeof key})`, item);
  }
}

function encodeSet(encoder: Encoder, value: Set<unknown>): void {
  const values = [...Set.prototype.values.call(value)];
  encoder.u8(Tag.set);
  encoder.u32(values.length);
  for (const item of values) encoder.part('.values()', item);
}

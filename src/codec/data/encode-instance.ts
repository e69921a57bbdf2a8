/** Instances of classes: the class, what its builtin base hides, and the own properties. */
import { types } from 'node:util';
import { builtinExport, intrinsicPath, isNativeRefusal, readFunction } from '../closure/index.js';
import { encodeClass } from './encode-function.js';
import { encodeBuiltin } from './encode-object.js';
import type { Encoder } from './encoder.js';
import { privateNames } from './private-names.js';
import { encodeProperties, restrictionOf } from './properties.js';
import { Tag } from './tags.js';

/** Prototypes of which instances have been written that are nothing but properties: most are so again. */
const ordinary = new WeakMap<object, Function>();

/** An instance like others that were written; false where it may be something else. */
export function tryOrdinary(encoder: Encoder, value: object, prototype: object): boolean {
  const type = ordinary.get(prototype);
  if (type === undefined || prototype.constructor !== type || encoder.path !== undefined) return false;
  if (hidesSomething(value) || holdsHandle(value)) return false;
  encoder.u8(Tag.instance);
  encoder.u8(0);
  encoder.u8(restrictionOf(value));
  encodeClass(encoder, type);
  encoder.u8(0);
  const names = Object.getOwnPropertyNames(value);
  const plain = Object.getOwnPropertySymbols(value).length === 0;
  encodeProperties(encoder, value, plain ? names : ownKeys(value, type));
  return true;
}

export function encodeInstance(encoder: Encoder, value: object, prototype: object): void {
  const type = (prototype as { constructor?: unknown }).constructor;
  const isClass = typeof type === 'function' && type.prototype === prototype;
  const indexed = Array.isArray(value) || ArrayBuffer.isView(value);
  const onBuiltin = indexed || isBuiltin(value);
  // What a builtin hides is written with it, so only other instances can be handles.
  if (!onBuiltin || !isClass || intrinsicPath(type) === undefined) {
    refuseUnsendable(encoder, value, isClass ? type : undefined);
  }
  encoder.u8(Tag.instance);
  if (isClass) {
    encoder.u8(0);
    encoder.u8(restrictionOf(value));
    encodeClass(encoder, type);
  } else {
    // Object.create(something): the prototype is data itself.
    encoder.u8(1);
    encoder.u8(restrictionOf(value));
    encoder.exactly(() => encoder.part('.__proto__', prototype));
  }
  if (onBuiltin) {
    encoder.u8(1);
    if (!encodeBuiltin(encoder, value, true)) {
      encoder.refuse(`it is ${article(nameOf(type, value))}, which cannot be copied`);
    }
  } else {
    encoder.u8(0);
    if (isClass && !hidesSomething(value)) ordinary.set(prototype, type);
  }
  const keys = isClass ? ownKeys(value, type) : Reflect.ownKeys(value);
  const rest = indexed || types.isBoxedPrimitive(value) ? keys.filter((key) => !isElement(key)) : keys;
  encodeProperties(encoder, value, rest);
}

function ownKeys(value: object, type: Function): PropertyKey[] {
  const keys = Reflect.ownKeys(value);
  return keys.some(isInternal) ? withoutInternals(type, keys) : keys;
}

/** It has more to it than its properties, whatever its class says. */
function hidesSomething(value: object): boolean {
  return (
    Array.isArray(value) ||
    ArrayBuffer.isView(value) ||
    types.isNativeError(value) ||
    types.isPromise(value) ||
    isBuiltin(value) ||
    types.isWeakMap(value) ||
    types.isWeakSet(value) ||
    types.isGeneratorObject(value) ||
    types.isExternal(value)
  );
}

/** What the base has written. */
function isElement(key: PropertyKey): boolean {
  return typeof key === 'string' && (key === 'length' || /^(0|[1-9]\d*)$/.test(key));
}

function isInternal(key: PropertyKey): boolean {
  return typeof key === 'symbol' && Symbol.keyFor(key) === undefined;
}

/** Classes of Node, such as EventEmitter, keep their own things under symbols, which each thread makes itself. */
function withoutInternals(type: Function, keys: PropertyKey[]): PropertyKey[] {
  for (
    let t: unknown = type;
    typeof t === 'function' && t !== Function.prototype;
    t = Object.getPrototypeOf(t)
  ) {
    if (builtinExport(t) !== undefined) return keys.filter((key) => !isInternal(key));
  }
  return keys;
}

function isBuiltin(value: object): boolean {
  return (
    types.isMap(value) ||
    types.isSet(value) ||
    types.isDate(value) ||
    types.isRegExp(value) ||
    types.isAnyArrayBuffer(value) ||
    types.isBoxedPrimitive(value)
  );
}

function nameOf(type: unknown, value: object): string {
  if (typeof type === 'function' && type.name !== '') return type.name;
  return Object.prototype.toString.call(value).slice(8, -1);
}

function article(name: string): string {
  return `${/^[AEIOU]/.test(name) ? 'an' : 'a'} ${name}`;
}

function refuseUnsendable(encoder: Encoder, value: object, type: Function | undefined): void {
  const name = nameOf(type, value);
  if (types.isPromise(value)) encoder.refuse('it is a Promise; await it first and send its value');
  if (types.isWeakMap(value) || types.isWeakSet(value) || value instanceof WeakRef) {
    encoder.refuse(
      `it is ${article(name)}, whose content cannot be seen; use a Map, a Set or the object itself`,
    );
  }
  if (types.isGeneratorObject(value)) {
    encoder.refuse(
      'it is a generator that has begun; send the generator function, or an array of its values',
    );
  }
  if (isBuiltinIterator(value)) {
    encoder.refuse('it is an iterator that has begun; send what it goes through, or an array of its values');
  }
  if (types.isExternal(value)) encoder.refuse('it is a handle of native code');
  if (isHandle(value, type)) {
    encoder.refuse(
      `it is ${article(name)}, a live handle of this thread; open it in the worker instead (workerLocal, or the pool's init), or send what it takes to open it`,
    );
  }
  for (
    let t: unknown = type;
    typeof t === 'function' && t !== Function.prototype;
    t = Object.getPrototypeOf(t)
  ) {
    const names = privateNames(t);
    if (names.length === 0) continue;
    encoder.refuse(
      `it is ${article(name)}, which has private fields (${names.join(', ')}) that nobody else can read; tell Simul how to send it: registerType({ name, match, encode, decode })`,
    );
  }
}

function isBuiltinIterator(value: object): boolean {
  const prototype = Object.getPrototypeOf(value) as { [Symbol.toStringTag]?: unknown };
  const tag = Object.getOwnPropertyDescriptor(prototype, Symbol.toStringTag)?.value as unknown;
  return (
    typeof tag === 'string' &&
    /(?: Iterator| Iterator Helper|^WrapForValidIteratorPrototype|Generator)$/.test(tag) &&
    typeof (value as { next?: unknown }).next === 'function' &&
    /\{ \[native code\] \}$/.test(Function.prototype.toString.call((value as { next: Function }).next))
  );
}

function holdsHandle(value: object): boolean {
  const own = value as { _handle?: unknown; _readableState?: unknown; _writableState?: unknown };
  if (own._readableState !== undefined || own._writableState !== undefined) return true;
  return own._handle !== null && typeof own._handle === 'object';
}

/** Sockets, streams, servers, timers: instances of classes that belong to Node, or with a native handle inside. */
function isHandle(value: object, type: Function | undefined): boolean {
  if (holdsHandle(value)) return true;
  if (type === undefined) return false;
  try {
    const reading = readFunction(type);
    if (reading.kind === 'intrinsic') return true;
    return (
      reading.kind === 'export' &&
      reading.module.specifier.startsWith('node:') &&
      type.name !== 'EventEmitter'
    );
  } catch (error) {
    // A class of a user's own that cannot be read says why itself.
    return isNativeRefusal(error);
  }
}

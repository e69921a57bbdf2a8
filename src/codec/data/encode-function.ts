/** Functions and classes: by name where the other side has them, else their code by hash and their captures. */
import { builtReading, type Reading, readFunction } from '../closure/index.js';
import { provideClass } from './class-shelf.js';
import { tagOf } from './classes.js';
import type { Encoder } from './encoder.js';
import { encodeProperties } from './properties.js';
import { registeredTypes, specialOf } from './registry.js';
import { Tag } from './tags.js';
import { provideType } from './type-assets.js';

export function encodeFunction(encoder: Encoder, fn: Function): void {
  const special = specialOf(fn);
  if (special !== undefined) {
    encoder.u8(Tag.special);
    encoder.text(special.name);
    return encoder.value(special.toData(fn));
  }
  for (const type of registeredTypes().values()) provideType(encoder, type);
  encodeReading(encoder, fn, builtReading(fn) ?? readFunction(fn));
}

/** A class as a part of its instance. */
export function encodeClass(encoder: Encoder, type: Function): void {
  const asset = encoder.classes?.of(type);
  if (asset) {
    provideClass(encoder, asset);
    encoder.u8(Tag.sharedClass);
    return encoder.text(asset.hash);
  }
  if (encoder.path === undefined) return encoder.value(type);
  encoder.part(` (class ${type.name})`, type);
}

function encodeReading(encoder: Encoder, fn: Function, reading: Reading): void {
  switch (reading.kind) {
    case 'intrinsic':
      encoder.u8(Tag.intrinsic);
      return encoder.text(reading.path);
    case 'export':
      encoder.module(reading.module);
      encoder.u8(Tag.exported);
      encoder.text(reading.module.specifier);
      encoder.value(reading.module.from);
      return encoder.text(reading.name);
    case 'bound':
      encoder.u8(Tag.bound);
      return encoder.exactly(() => {
        encoder.part(' (bound function)', reading.target);
        encoder.part(' (bound this)', reading.thisArg);
        encoder.part(' (bound arguments)', reading.args);
      });
    case 'code':
      return encoder.exactly(() => encodeCode(encoder, fn, reading));
    default:
      reading satisfies never;
  }
}

function encodeCode(
  encoder: Encoder,
  fn: Function,
  { code, captures, complete }: Extract<Reading, { kind: 'code' }>,
): void {
  if (!encoder.assets.has(code.hash)) encoder.assets.set(code.hash, { kind: 'code', hash: code.hash, code });
  encoder.u8(Tag.code);
  encoder.text(code.hash);
  encoder.text(code.isClass ? tagOf(fn, !encoder.moved) : '');
  encoder.u32(captures.length);
  for (const { name, value } of captures) encoder.part(name, value);
  if (complete !== true) {
    if (code.isClass) encodeClassParts(encoder, fn);
    else encodeFunctionParts(encoder, fn);
  }
  encoder.u8(0);
}

/** What was added to a class, or changed in it, after its text: fields, decorated members, a method put on it. */
function encodeClassParts(encoder: Encoder, type: Function): void {
  const text = textOf(type);
  const isOwnText = (d: PropertyDescriptor): boolean => {
    const parts = [d.value as unknown, d.get, d.set].filter((part) => part !== undefined);
    return (
      parts.length > 0 && parts.every((part) => typeof part === 'function' && text.includes(textOf(part)))
    );
  };
  for (const key of Reflect.ownKeys(type)) {
    const d = Object.getOwnPropertyDescriptor(type, key)!;
    if (key === 'prototype' || key === 'length' || (key === 'name' && !d.writable) || isOwnText(d)) continue;
    // A static that cannot travel is made anew by the class's own text.
    encoder.attempt(() => {
      encoder.u8(1);
      encodeProperties(encoder, type, [key]);
    });
  }
  const prototype = type.prototype as object;
  const changed = Reflect.ownKeys(prototype).filter(
    (key) => key !== 'constructor' && !isOwnText(Object.getOwnPropertyDescriptor(prototype, key)!),
  );
  if (changed.length === 0) return;
  encoder.u8(3);
  encodeProperties(encoder, prototype, changed);
}

const textOf = (fn: Function): string => Function.prototype.toString.call(fn);

/** Own properties, `fn.cache = …`, and what was put on the prototype of a constructor function. */
function encodeFunctionParts(encoder: Encoder, fn: Function): void {
  const keys = Reflect.ownKeys(fn).filter((key) => !EVERY_FUNCTION_HAS.has(key));
  if (keys.length > 0) {
    encoder.u8(1);
    encodeProperties(encoder, fn, keys);
  }
  const onPrototype = prototypeKeys(fn);
  if (onPrototype === undefined) return;
  const prototype = fn.prototype as object;
  encoder.u8(2);
  encoder.part('.prototype', parentOf(prototype));
  encodeProperties(encoder, prototype, onPrototype);
}

const EVERY_FUNCTION_HAS = new Set<PropertyKey>(['length', 'name', 'prototype', 'arguments', 'caller']);

/** Methods that were put on the prototype of a constructor function; undefined where there is nothing to send. */
function prototypeKeys(fn: Function): PropertyKey[] | undefined {
  const prototype: unknown = Object.getOwnPropertyDescriptor(fn, 'prototype')?.value;
  if (prototype === null || typeof prototype !== 'object') return undefined;
  const keys = Reflect.ownKeys(prototype).filter(
    (key) => key !== 'constructor' || prototype.constructor !== fn,
  );
  return keys.length > 0 || parentOf(prototype) !== undefined ? keys : undefined;
}

/** The constructor whose prototype is behind this one, for inheritance among constructor functions. */
function parentOf(prototype: object): Function | undefined {
  const behind = Object.getPrototypeOf(prototype) as { constructor?: unknown } | null;
  if (behind === null || Object.getPrototypeOf(behind) === null) return undefined;
  const type = behind.constructor;
  // Generator functions have prototypes behind prototypes, and those are everybody's.
  return typeof type === 'function' && type.prototype === behind ? type : undefined;
}

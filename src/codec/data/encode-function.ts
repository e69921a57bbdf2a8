/** Functions and classes: by name where the other side has them, else their code by hash and their captures. */
import { type Reading, readFunction } from '../closure/index.js';
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
  encodeReading(encoder, fn, readFunction(fn));
}

/** A class as a part of its instance. */
export function encodeClass(encoder: Encoder, type: Function): void {
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
  { code, captures }: Extract<Reading, { kind: 'code' }>,
): void {
  if (!encoder.assets.has(code.hash)) encoder.assets.set(code.hash, { kind: 'code', hash: code.hash, code });
  encoder.u8(Tag.code);
  encoder.text(code.hash);
  encoder.text(code.isClass ? tagOf(fn) : '');
  encoder.u32(captures.length);
  for (const { name, value } of captures) encoder.part(name, value);
  for (const key of ownData(fn)) {
    const write = (): void => {
      encoder.u8(1);
      encodeProperties(encoder, fn, [key]);
    };
    // A static that cannot travel is made anew by the class's own text.
    if (code.isClass) encoder.attempt(write);
    else write();
  }
  const keys = code.isClass ? undefined : prototypeKeys(fn);
  if (keys !== undefined) {
    const prototype = fn.prototype as object;
    encoder.u8(2);
    encoder.part('.prototype', parentOf(prototype));
    encodeProperties(encoder, prototype, keys);
  }
  encoder.u8(0);
}

/** Enumerable own data: `fn.cache = …`, static fields. */
function ownData(fn: Function): PropertyKey[] {
  return Reflect.ownKeys(fn).filter((key) => {
    const d = Object.getOwnPropertyDescriptor(fn, key)!;
    return d.enumerable === true && d.writable === true && key !== 'prototype';
  });
}

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

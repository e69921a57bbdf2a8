/** Errors travel whatever they carry: a class or field that cannot is left out rather than the error lost. */

import { encodeClass } from './encode-function.js';
import type { Encoder } from './encoder.js';
import { step } from './properties.js';
import { Tag } from './tags.js';

/** Own properties with a place of their own in the record. */
const KNOWN = new Set<PropertyKey>(['stack', 'message', 'cause', 'errors']);
const INTRINSIC = [
  'Error',
  'TypeError',
  'RangeError',
  'SyntaxError',
  'ReferenceError',
  'EvalError',
  'URIError',
  'AggregateError',
];

export function encodeError(encoder: Encoder, error: Error): void {
  if (error instanceof DOMException) {
    encoder.u8(Tag.domException);
    encoder.text(error.message);
    encoder.text(error.name);
    encodeFields(encoder, error);
    return;
  }
  encoder.u8(Tag.error);
  const prototype = Object.getPrototypeOf(error) as object;
  const type = (prototype as { constructor?: unknown }).constructor;
  const isClass = typeof type === 'function' && type.prototype === prototype;
  const name = isClass ? intrinsicName(type) : undefined;
  if (name !== undefined) encoder.text(name);
  else if (!isClass || !encoder.attempt(() => encodeClass(encoder, type))) {
    encoder.text(nearest(prototype));
    // The class is lost, its name is not.
    encoder.u8(1);
    encoder.text(String(error.name));
    encodeFields(encoder, error);
    return;
  }
  encoder.u8(0);
  encodeFields(encoder, error);
}

/** By name: errors of another realm are of the same kind. */
function intrinsicName(type: Function): string | undefined {
  const native = Function.prototype.toString.call(type).includes('[native code]');
  return native && INTRINSIC.includes(type.name) ? type.name : undefined;
}

function nearest(prototype: object | null): string {
  for (let p = prototype; p !== null; p = Object.getPrototypeOf(p) as object | null) {
    const type = (p as { constructor?: unknown }).constructor;
    const name = typeof type === 'function' ? intrinsicName(type) : undefined;
    if (name !== undefined) return name;
  }
  return 'Error';
}

function encodeFields(encoder: Encoder, error: Error): void {
  encoder.value(readSafely(() => error.stack));
  const fields: [PropertyKey, boolean][] = [];
  for (const key of ['message', 'cause', 'errors']) {
    if (Object.hasOwn(error, key)) fields.push([key, false]);
  }
  for (const key of Reflect.ownKeys(error)) {
    if (KNOWN.has(key)) continue;
    fields.push([key, Object.prototype.propertyIsEnumerable.call(error, key)]);
  }
  for (const [key, enumerable] of fields) {
    // A getter's value travels, as it is what a reader of the error would see.
    const value = readSafely(() => (error as unknown as Record<PropertyKey, unknown>)[key]);
    encoder.attempt(() => {
      encoder.u8(enumerable ? 2 : 1);
      encoder.value(key);
      encoder.part(step(key), value);
    });
  }
  encoder.u8(0);
}

function readSafely(read: () => unknown): unknown {
  try {
    return read();
  } catch {
    return undefined;
  }
}

/** Properties with their attributes, and how free an object is. */
import type { Encoder } from './encoder.js';
import { ACCESSOR, CONFIGURABLE, ENUMERABLE, WRITABLE } from './tags.js';

/** A property as a step of a path. */
export function step(key: PropertyKey): string {
  if (typeof key === 'symbol') return `[${String(key)}]`;
  return /^[A-Za-z_$][\w$]*$/.test(String(key)) ? `.${String(key)}` : `[${JSON.stringify(key)}]`;
}

/** Only writable, enumerable, configurable string-keyed data properties, and extensible. */
export function isOrdinary(value: object): boolean {
  if (!Object.isExtensible(value)) return false;
  for (const key of Reflect.ownKeys(value)) {
    if (typeof key === 'symbol') return false;
    const d = Object.getOwnPropertyDescriptor(value, key)!;
    if (d.enumerable !== true || d.configurable !== true || d.writable !== true) return false;
  }
  return true;
}

/** 0 extensible, 1 not, 2 sealed, 3 frozen. */
export function restrictionOf(value: object): number {
  if (Object.isExtensible(value)) return 0;
  return Object.isFrozen(value) ? 3 : Object.isSealed(value) ? 2 : 1;
}

/** Accessors travel as functions. */
export function encodeProperties(encoder: Encoder, value: object, keys: readonly PropertyKey[]): void {
  encoder.u32(keys.length);
  const watched = encoder.path !== undefined;
  for (const key of keys) {
    const d = Object.getOwnPropertyDescriptor(value, key)!;
    const accessor = d.get !== undefined || d.set !== undefined;
    encoder.value(key);
    encoder.u8(
      (d.enumerable === true ? ENUMERABLE : 0) |
        (d.writable === true ? WRITABLE : 0) |
        (d.configurable === true ? CONFIGURABLE : 0) |
        (accessor ? ACCESSOR : 0),
    );
    if (accessor) {
      encoder.part(step(key), d.get);
      encoder.part(step(key), d.set);
    } else if (watched) encoder.member(step(key), d.value);
    else encoder.slot(d.value);
  }
}

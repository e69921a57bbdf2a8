import { types } from 'node:util';
import { freshCopyOf } from '../../util/large-pages.js';
import { resolveExport, resolveIntrinsic } from '../closure/index.js';
import { decodeBlank, decodeFilled } from './blanks.js';
import { decodeBound, decodeCode } from './decode-function.js';
import { type Decoder, PENDING } from './decoder.js';
import { NODE_BUFFER } from './encode-view.js';
import { readFlat, readNested } from './read-shape.js';
import { rebuild } from './rebuilt.js';
import { decodeRef, decodeStoredValue } from './ref.js';
import { registeredTypes, specialNamed } from './registry.js';
import { ACCESSOR, CONFIGURABLE, ENUMERABLE, ORDINARY, Tag, VIEW_TYPES, WRITABLE } from './tags.js';

/** Reads the object that `tag` begins. It takes its number (or that of the instance around it) before its parts do. */
export function decodeObject(decoder: Decoder, tag: number, id: number = decoder.reserve()): unknown {
  switch (tag) {
    case Tag.flat:
      return decoder.define(id, readFlat(decoder));
    case Tag.shape:
      return readNested(decoder, id);
    case Tag.plain:
      return decodePlain(decoder, decoder.define(id, {}));
    case Tag.nullPrototype:
      return decodePlain(decoder, decoder.define(id, Object.create(null) as object));
    case Tag.exact:
      return decodeExact(decoder, id);
    case Tag.array:
      return decodeArray(decoder, id);
    case Tag.int32Array:
    case Tag.doubleArray:
      return decoder.define(id, decodeNumbers(decoder, tag));
    case Tag.sparse:
      return decodeSparse(decoder, id);
    case Tag.date:
      return decoder.define(id, new Date(decoder.double()));
    case Tag.regexp: {
      const [source, flags] = [decoder.text(), decoder.text()];
      const regexp = decoder.made(() => new RegExp(source, flags));
      regexp.lastIndex = decoder.value() as number;
      return decoder.define(id, regexp);
    }
    case Tag.map:
      return decodeMap(decoder, id);
    case Tag.set:
      return decodeSet(decoder, id);
    case Tag.error:
      return decodeError(decoder, id);
    case Tag.buffer:
    case Tag.bufferExtra:
    case Tag.bufferConstant:
      return decoder.define(id, content(decoder, tag));
    case Tag.resizableBuffer:
      return decoder.define(id, decodeResizable(decoder));
    case Tag.rebuilt:
      return decoder.define(id, rebuild(decoder));
    case Tag.sharedBuffer:
      return decoder.define(id, decoder.extra());
    case Tag.host:
      decoder.keeps = true;
      return decoder.define(id, decoder.extra());
    case Tag.view:
      return decodeView(decoder, id);
    case Tag.nodeBuffer:
      return decoder.define(id, Buffer.from(content(decoder, decoder.u8())));
    case Tag.boxed:
      return decoder.define(id, Object(decoder.value()) as object);
    case Tag.url: {
      const href = decoder.text();
      return decoder.define(
        id,
        decoder.made(() => new URL(href)),
      );
    }
    case Tag.searchParams:
      return decoder.define(id, new URLSearchParams(decoder.text()));
    case Tag.domException: {
      const error = new DOMException(decoder.text(), decoder.text());
      decoder.define(id, error);
      decodeFields(decoder, error);
      return error;
    }
    case Tag.instance:
      return decodeInstance(decoder, id);
    case Tag.custom: {
      decoder.keeps = true;
      const name = decoder.text();
      const type = registeredTypes().get(name) ?? decoder.corrupt(`type "${name}" is not registered here`);
      return decoder.define(id, type.decode(decoder.value()));
    }
    case Tag.special: {
      decoder.keeps = true;
      const name = decoder.text();
      const special = specialNamed(name) ?? decoder.corrupt(`there is no special value "${name}"`);
      return decoder.define(id, special.fromData(decoder.value()));
    }
    case Tag.blank:
      return decoder.define(id, decodeBlank(decoder));
    case Tag.filled:
      return decoder.define(id, decodeFilled(decoder));
    case Tag.storedRef:
      return decoder.define(id, decodeRef(decoder));
    case Tag.storedValue:
      return decoder.define(id, decodeStoredValue(decoder));
    case Tag.code:
      return decodeCode(decoder, id);
    case Tag.exported: {
      decoder.keeps = true;
      const specifier = decoder.text();
      const from = decoder.value() as string | undefined;
      return decoder.define(id, resolveExport({ specifier, from }, decoder.text()));
    }
    case Tag.intrinsic:
      // It is there for all: something may be put on it.
      decoder.keeps = true;
      return decoder.define(id, resolveIntrinsic(decoder.text()));
    case Tag.bound:
      return decodeBound(decoder, id);
    default:
      return decoder.corrupt(`there is no tag ${tag}`);
  }
}

export function decodePlain(decoder: Decoder, target: object): object {
  const count = decoder.count();
  const record = target as Record<string, unknown>;
  for (let i = 0; i < count; i++) {
    const key = decoder.key();
    const value = decoder.value();
    if (value === PENDING) {
      // Keeps its place in the order.
      define(target, key, undefined);
      decoder.whenBuilt(value, (built) => define(target, key, built));
    } else if (key === '__proto__') define(target, key, value);
    else record[key] = value;
  }
  return target;
}

function define(target: object, key: PropertyKey, value: unknown): void {
  Object.defineProperty(target, key, { value, writable: true, enumerable: true, configurable: true });
}

export function hidden(target: object, key: PropertyKey, value: unknown): void {
  Object.defineProperty(target, key, { value, writable: true, enumerable: false, configurable: true });
}

function decodeExact(decoder: Decoder, id: number): object {
  const base = decoder.u8();
  const level = decoder.u8();
  const target = decoder.define(id, base === Tag.nullPrototype ? (Object.create(null) as object) : {});
  decodeProperties(decoder, target);
  return restrict(decoder, target, level);
}

/** At the end: parts that are still to come can be added until then. */
function restrict<T extends object>(decoder: Decoder, target: T, level: number): T {
  if (level === 3) decoder.atEnd(() => Object.freeze(target));
  else if (level === 2) decoder.atEnd(() => Object.seal(target));
  else if (level === 1) decoder.atEnd(() => Object.preventExtensions(target));
  return target;
}

/** Properties with their attributes, onto `target`. */
export function decodeProperties(decoder: Decoder, target: object): void {
  const count = decoder.count();
  for (let i = 0; i < count; i++) {
    const key = decoder.propertyKey();
    const flags = decoder.u8();
    if (flags === ORDINARY && !(key in target)) {
      const value = decoder.value();
      if (value !== PENDING) {
        (target as Record<PropertyKey, unknown>)[key] = value;
        continue;
      }
      define(target, key, undefined);
      decoder.whenBuilt(value, (built) => define(target, key, built));
      continue;
    }
    const shared = {
      enumerable: (flags & ENUMERABLE) !== 0,
      configurable: (flags & CONFIGURABLE) !== 0,
    };
    if ((flags & ACCESSOR) !== 0) {
      const get = decoder.value() as (() => unknown) | undefined;
      const set = decoder.value() as ((value: unknown) => void) | undefined;
      Object.defineProperty(target, key, { ...shared, get, set } as PropertyDescriptor);
      continue;
    }
    const writable = (flags & WRITABLE) !== 0;
    const value = decoder.value();
    if (value === PENDING) define(target, key, undefined);
    decoder.whenBuilt(value, (built) => {
      Object.defineProperty(target, key, { ...shared, writable, value: built });
    });
  }
}

export function decodeArray(decoder: Decoder, id: number): unknown[] {
  const length = decoder.count();
  const array: unknown[] = decoder.define(id, new Array(length));
  for (let i = 0; i < length; i++) {
    const value = decoder.value();
    if (value === PENDING) {
      decoder.whenBuilt(value, (built) => {
        array[i] = built;
      });
    } else array[i] = value;
  }
  return array;
}

function decodeNumbers(decoder: Decoder, tag: number): number[] {
  const length = decoder.u32();
  const bytes = decoder.raw(length * (tag === Tag.int32Array ? 4 : 8));
  const copy = new Uint8Array(bytes).buffer;
  // Small integers must not pass through doubles: the whole array would become one of doubles.
  const numbers = tag === Tag.int32Array ? new Int32Array(copy) : new Float64Array(copy);
  const array: number[] = [];
  for (let i = 0; i < length; i++) array.push(numbers[i]!);
  return array;
}

function decodeSparse(decoder: Decoder, id: number): unknown[] {
  const array: unknown[] = decoder.define(id, []);
  array.length = decoder.u32();
  const level = decoder.u8();
  decodeProperties(decoder, array);
  return restrict(decoder, array, level);
}

function decodeMap(decoder: Decoder, id: number): Map<unknown, unknown> {
  const map = decoder.define(id, new Map<unknown, unknown>());
  const count = decoder.count();
  for (let i = 0; i < count; i++) {
    const key = decoder.value();
    const keyId = decoder.pendingId;
    const value = decoder.value();
    if (key !== PENDING && value !== PENDING) map.set(key, value);
    else if (key !== PENDING) {
      // Keeps its place in the order.
      map.set(key, undefined);
      decoder.whenBuilt(value, (built) => map.set(key, built));
    } else {
      const valueId = decoder.pendingId;
      decoder.pendingId = keyId;
      decoder.whenBuilt(key, (builtKey) => {
        decoder.pendingId = valueId;
        decoder.whenBuilt(value, (built) => map.set(builtKey, built));
      });
    }
  }
  return map;
}

function decodeSet(decoder: Decoder, id: number): Set<unknown> {
  const set = decoder.define(id, new Set<unknown>());
  const count = decoder.count();
  for (let i = 0; i < count; i++) decoder.whenBuilt(decoder.value(), (value) => set.add(value));
  return set;
}

function decodeError(decoder: Decoder, id: number): Error {
  const error = new Error();
  decoder.define(id, error);
  hidden(error, 'stack', '');
  const type = decoder.value();
  const made = typeof type === 'string' ? (globalThis as Record<string, unknown>)[type] : type;
  decoder.whenBuilt(made, (built) => {
    if (typeof built === 'function') Object.setPrototypeOf(error, built.prototype as object);
  });
  if (decoder.u8() === 1) hidden(error, 'name', decoder.text());
  decodeFields(decoder, error);
  return error;
}

function decodeFields(decoder: Decoder, error: Error): void {
  hidden(error, 'stack', decoder.value());
  for (let flag = decoder.u8(); flag !== 0; flag = decoder.u8()) {
    const key = decoder.value() as PropertyKey;
    const enumerable = flag === 2;
    decoder.whenBuilt(decoder.value(), (value) => {
      Object.defineProperty(error, key, { value, writable: true, enumerable, configurable: true });
    });
  }
}

/** A private buffer with the content. */
function content(decoder: Decoder, tag: number): ArrayBuffer {
  if (tag === Tag.bufferExtra) {
    const extra = decoder.extra();
    if (types.isArrayBuffer(extra)) return extra;
    return freshCopyOf(new Uint8Array(extra as SharedArrayBuffer));
  }
  if (tag === Tag.bufferConstant) return new Uint8Array(decoder.constant(decoder.text())).buffer;
  if (tag !== Tag.buffer) return decoder.corrupt(`tag ${tag} where a buffer has to be`);
  return new Uint8Array(decoder.raw(decoder.u32())).buffer;
}

function decodeResizable(decoder: Decoder): ArrayBuffer {
  const maxByteLength = decoder.double();
  const bytes = new Uint8Array(content(decoder, decoder.u8()));
  if (!(maxByteLength >= bytes.length)) return decoder.corrupt('a buffer is larger than it can become');
  const Resizable = ArrayBuffer as new (length: number, options: object) => ArrayBuffer;
  const buffer = decoder.made(() => new Resizable(bytes.length, { maxByteLength }));
  new Uint8Array(buffer).set(bytes);
  return buffer;
}

function decodeView(decoder: Decoder, id: number): unknown {
  const kind = decoder.u8();
  const offset = decoder.double();
  // A view that grows with its buffer has none.
  const size = decoder.double();
  const length = size < 0 ? undefined : size;
  const buffer = decoder.value() as ArrayBuffer;
  if (!types.isAnyArrayBuffer(buffer)) return decoder.corrupt('a view of something that is no buffer');
  if (kind & NODE_BUFFER) {
    return decoder.define(
      id,
      decoder.made(() => Buffer.from(buffer, offset, length)),
    );
  }
  const name = VIEW_TYPES[kind];
  const View = (globalThis as Record<string, unknown>)[name ?? ''] as
    | (new (
        buffer: ArrayBuffer,
        offset: number,
        length?: number,
      ) => object)
    | undefined;
  if (View === undefined) return decoder.corrupt(`there is no view of kind ${name ?? kind}`);
  return decoder.define(
    id,
    decoder.made(() => new View(buffer, offset, length)),
  );
}

/** What the instance of a subclass can be besides an ordinary object. */
const BASES: ReadonlySet<number> = new Set([
  Tag.array,
  Tag.int32Array,
  Tag.doubleArray,
  Tag.sparse,
  Tag.date,
  Tag.regexp,
  Tag.map,
  Tag.set,
  Tag.buffer,
  Tag.bufferExtra,
  Tag.bufferConstant,
  Tag.resizableBuffer,
  Tag.sharedBuffer,
  Tag.view,
  Tag.nodeBuffer,
  Tag.boxed,
]);

function decodeInstance(decoder: Decoder, id: number): unknown {
  const byPrototype = decoder.u8() === 1;
  const level = decoder.u8();
  const type = decoder.value();
  let target: object;
  if (decoder.u8() === 1) {
    const base = decoder.u8();
    if (!BASES.has(base)) return decoder.corrupt(`tag ${base} where the base of an instance has to be`);
    target = decodeObject(decoder, base, id) as object;
  } else if (!byPrototype && typeof type === 'function' && typeof type.prototype === 'object') {
    target = decoder.define(id, Object.create(type.prototype as object | null) as object);
    decodeProperties(decoder, target);
    return restrict(decoder, target, level);
  } else target = {};
  decoder.define(id, target);
  decoder.whenBuilt(type, (built) => {
    const prototype = byPrototype ? built : (built as { prototype?: unknown } | null)?.prototype;
    if (typeof prototype !== 'object' && typeof prototype !== 'function') {
      decoder.corrupt('an instance without a class');
    }
    decoder.made(() => Object.setPrototypeOf(target, prototype as object | null));
  });
  decodeProperties(decoder, target);
  return restrict(decoder, target, level);
}

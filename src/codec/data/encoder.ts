/**
 * Values to bytes. One encoder is used again and again; each top-level value has its own identity scope, in which
 * every object takes a number when it begins and is written once.
 */
import { SerializationError } from '../../errors.js';
import type { ModuleRef } from '../closure/index.js';
import type { Asset } from '../packed.js';
import { ByteWriter, isLatin1 } from './byte-writer.js';
import { constantOf } from './constants.js';
import { encodeFunction } from './encode-function.js';
import { encodeObject } from './encode-object.js';
import { CONSTANT, OUT_OF_BAND, Tag, WELL_KNOWN_SYMBOLS } from './tags.js';

export interface EncodeOptions {
  /** Captured data: accessors, symbol keys, hidden and frozen properties travel too. */
  readonly exact?: boolean | undefined;
  /** Large buffers are moved (results) or put into shared memory, from where they can be sent again (default). */
  readonly moved?: boolean | undefined;
  /** What the value is called in errors. */
  readonly label?: string | undefined;
}

export class Encoder extends ByteWriter {
  exact = false;
  moved = false;
  extras: unknown[] = [];
  transfer: unknown[] = [];
  assets = new Map<string, Asset>();
  modules = new Map<string, ModuleRef>();
  /** Set on the second walk only, when the first has failed: where we are. */
  path: string[] | undefined;
  #ids = new Map<object, number>();
  #root: object | undefined;
  #nextId = 0;

  /** Writes one value with an identity scope of its own. */
  item(value: unknown): void {
    this.#nextId = 0;
    this.#root = undefined;
    try {
      this.value(value);
    } finally {
      if (this.#ids.size > 0) this.#ids = new Map();
      this.#root = undefined;
    }
  }

  value(value: unknown): void {
    switch (typeof value) {
      case 'number':
        return this.#number(value);
      case 'string':
        return this.text(value);
      case 'boolean':
        return this.u8(value ? Tag.true : Tag.false);
      case 'undefined':
        return this.u8(Tag.undefined);
      case 'object':
        if (value === null) return this.u8(Tag.null);
        if (this.begin(value)) encodeObject(this, value);
        return;
      case 'function':
        if (this.begin(value)) encodeFunction(this, value);
        return;
      case 'bigint':
        this.u8(Tag.bigint);
        return this.text(value.toString(16));
      case 'symbol':
        return this.#symbol(value);
      default:
        this.refuse(`it is of the unknown type ${typeof value}`);
    }
  }

  #number(value: number): void {
    const integer = value | 0;
    if (integer === value && (integer !== 0 || 1 / value > 0)) return this.int32(Tag.int32, integer);
    this.u8(Tag.double);
    this.double(value);
  }

  text(value: string): void {
    if (this.exact && value.length >= CONSTANT) return this.#constantString(value);
    this.string(value, Tag.latin1, Tag.latin1Long, Tag.utf16);
  }

  #constantString(value: string): void {
    const narrow = isLatin1(value);
    const constant = constantOf(Buffer.from(value, narrow ? 'latin1' : 'utf16le'));
    this.assets.set(constant.hash, constant);
    this.u8(Tag.constantString);
    this.u8(narrow ? 1 : 2);
    this.string(constant.hash, Tag.latin1, Tag.latin1Long, Tag.utf16);
  }

  #symbol(value: symbol): void {
    const key = Symbol.keyFor(value);
    if (key !== undefined) {
      this.u8(Tag.symbolRegistered);
      return this.text(key);
    }
    const known = WELL_KNOWN_SYMBOLS.indexOf(value);
    if (known < 0) {
      this.refuse(`it is ${String(value)}, a symbol that only this thread has; use Symbol.for(…) instead`);
    }
    this.u8(Tag.symbolWellKnown);
    this.u8(known);
  }

  /** Gives the object its number; false where it had one, and a reference was written. */
  begin(value: object): boolean {
    if (this.#root === undefined) {
      // Most values are flat: the root is entered into the map only when a second object turns up.
      this.#root = value;
      this.#nextId = 1;
      return true;
    }
    const ids = this.#ids;
    if (ids.size === 0) ids.set(this.#root, 0);
    const id = ids.get(value);
    if (id !== undefined) {
      this.u8(Tag.ref);
      this.u32(id);
      return false;
    }
    ids.set(value, this.#nextId++);
    return true;
  }

  /** Runs `write`; where it fails, nothing of it is left and false is returned. */
  attempt(write: () => void): boolean {
    const { at, exact } = this;
    const nextId = this.#nextId;
    const extras = this.extras.length;
    const transfer = this.transfer.length;
    const depth = this.path?.length ?? 0;
    try {
      write();
      return true;
    } catch (error) {
      if (!(error instanceof SerializationError)) throw error;
      this.at = at;
      this.exact = exact;
      this.#nextId = nextId;
      this.extras.length = extras;
      this.transfer.length = transfer;
      if (this.path !== undefined) this.path.length = depth;
      for (const [object, id] of this.#ids) if (id >= nextId) this.#ids.delete(object);
      return false;
    }
  }

  /** `write` with captured data's rules. */
  exactly(write: () => void): void {
    const before = this.exact;
    this.exact = true;
    write();
    this.exact = before;
  }

  /** A part of a value: `step` is its name in the path. */
  part(step: string, value: unknown): void {
    if (this.path === undefined) return this.value(value);
    this.path.push(step);
    this.value(value);
    this.path.pop();
  }

  /** The content of a buffer, or where to find it. */
  content(bytes: Uint8Array): void {
    const { byteLength } = bytes;
    if (this.exact && byteLength >= CONSTANT) {
      const constant = constantOf(bytes);
      this.assets.set(constant.hash, constant);
      this.u8(Tag.bufferConstant);
      return this.string(constant.hash, Tag.latin1, Tag.latin1Long, Tag.utf16);
    }
    if (byteLength >= OUT_OF_BAND) {
      const copy = this.moved ? new ArrayBuffer(byteLength) : new SharedArrayBuffer(byteLength);
      new Uint8Array(copy).set(bytes);
      if (this.moved) this.transfer.push(copy);
      this.u8(Tag.bufferExtra);
      return this.u32(this.extras.push(copy) - 1);
    }
    this.u8(Tag.buffer);
    this.u32(byteLength);
    this.raw(bytes);
  }

  module(ref: ModuleRef): void {
    this.modules.set(`${ref.specifier}\n${ref.from ?? ''}`, ref);
  }

  refuse(why: string): never {
    throw new SerializationError(why);
  }
}

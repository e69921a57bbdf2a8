/**
 * Values to bytes. One encoder is used again and again; each top-level value has its own identity scope, in which
 * every object takes a number when it begins and is written once.
 */
import { types } from 'node:util';
import { SerializationError } from '../../errors.js';
import { freshCopyOf, freshSharedCopyOf } from '../../util/large-pages.js';
import type { ModuleRef } from '../closure/index.js';
import type { Asset } from '../packed.js';
import { ByteWriter, isLatin1 } from './byte-writer.js';
import type { ClassShelf } from './class-shelf.js';
import { constantOf } from './constants.js';
import { encodeFunction } from './encode-function.js';
import { encodeObject } from './encode-object.js';
import { isToBeMoved, take } from './moving.js';
import { ObjectNumbers } from './object-numbers.js';
import { sharedCopyOf } from './shared-copies.js';
import { symbolTag } from './symbols.js';
import { CONSTANT, MOVED, OUT_OF_BAND, Tag, WELL_KNOWN_SYMBOLS } from './tags.js';

/** Objects deeper than this are written behind the value, so that no depth of data overflows the stack. */
const DEEPEST = 150;

interface Deferred {
  readonly value: object;
  readonly exact: boolean;
  readonly path: readonly string[] | undefined;
}

/** Thrown to begin an item anew: a second view of a buffer turned up after the first was cut to its own part. */
const ANEW = Symbol('anew');

export interface EncodeOptions {
  /** Classes of this and other values, which are packed once. */
  readonly classes?: ClassShelf | undefined;
  /** Captured data: accessors, symbol keys, hidden and frozen properties travel too. */
  readonly exact?: boolean | undefined;
  /** Large buffers are moved (results) or put into shared memory, from where they can be sent again (default). */
  readonly moved?: boolean | undefined;
  /** For many to read: what large views see is put into shared memory, where their copies will see it too. */
  readonly stored?: boolean | undefined;
  /** For another process: what cannot be copied there is refused. */
  readonly apart?: boolean | undefined;
  /** What the value is called in errors. */
  readonly label?: string | undefined;
  /** What the elements are called, where the value is a list of several things. */
  readonly parts?: readonly string[] | undefined;
}

/** A path that a reader can take in, and that does not grow with the depth. */
function shortened(path: readonly string[]): string[] {
  return path.length <= 40 ? [...path] : [...path.slice(0, 20), '…', ...path.slice(-10)];
}

export class Encoder extends ByteWriter {
  exact = false;
  moved = false;
  stored = false;
  /** The buffer that is written now is seen through a view. */
  viewed = false;
  apart = false;
  /** Nobody but the receiver will see the value again: its buffers are moved as if they were marked. */
  owned = false;
  extras: unknown[] = [];
  transfer: unknown[] = [];
  assets = new Map<string, Asset>();
  modules = new Map<string, ModuleRef>();
  /** An array that is known to have neither holes nor properties: to find that out takes longer than to write it. */
  dense: readonly unknown[] | undefined;
  /** Where instances find their class as an asset; without it, classes go with their instances. */
  classes: ClassShelf | undefined;
  /** Bytes that go beside the others. */
  beside = 0;
  /** Set on the second walk only, when the first has failed: where we are. */
  path: string[] | undefined;
  readonly #numbers = new ObjectNumbers();
  #depth = 0;
  #deferred: Deferred[] = [];
  /** Buffers of which one view was written without the rest; and those that have to be whole. */
  #cut: Set<object> | undefined;
  #whole: Set<object> | undefined;
  /** Buffers of this item whose content is taken once it is written. */
  #given: ArrayBuffer[] = [];

  /** Writes one value with an identity scope of its own; where it cannot, nothing of it is left. */
  item(value: unknown): void {
    const { at, exact } = this;
    const extras = this.extras.length;
    const transfer = this.transfer.length;
    try {
      this.value(value);
      if (this.#deferred.length > 0) this.#writeDeferred();
    } catch (error) {
      this.at = at;
      this.exact = exact;
      this.extras.length = extras;
      this.transfer.length = transfer;
      const anew = error === ANEW;
      // Where it went wrong is told by the path, which stays.
      if (anew && this.path !== undefined) this.path.length = 0;
      this.#forget();
      if (!anew) {
        this.#whole = undefined;
        throw error;
      }
      return this.item(value);
    }
    // The second walk only looks.
    if (this.#given.length > 0 && this.path === undefined) this.#take(extras);
    this.#forget();
    this.#whole = undefined;
  }

  #forget(): void {
    this.#numbers.backTo(0);
    this.#depth = 0;
    this.viewed = false;
    if (this.#deferred.length > 0) this.#deferred = [];
    if (this.#given.length > 0) this.#given = [];
    this.#cut = undefined;
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

  /** An object inside another. Views need their buffer at once, so buffers are never put off. */
  child(value: object): void {
    if (this.#depth >= DEEPEST && this.#numbers.find(value) < 0 && !types.isAnyArrayBuffer(value)) {
      this.begin(value);
      this.u8(Tag.later);
      this.#deferred.push({ value, exact: this.exact, path: this.path && shortened(this.path) });
      return;
    }
    this.#depth += 1;
    this.value(value);
    this.#depth -= 1;
  }

  /** The reader meets the same objects in the same order, so neither number nor count is needed. */
  #writeDeferred(): void {
    // The list grows meanwhile.
    for (const { value, exact, path } of this.#deferred) {
      this.#depth = 0;
      this.exact = exact;
      if (this.path !== undefined && path !== undefined) this.path = [...path];
      encodeObject(this, value);
    }
    this.#deferred = [];
  }

  /** `write` where nothing may be put off: what reads it needs it whole. */
  complete(write: () => void): void {
    const depth = this.#depth;
    this.#depth = Number.NEGATIVE_INFINITY;
    write();
    this.#depth = depth;
  }

  /** Whether a view may be written without the rest of its buffer: it is the only one so far. */
  mayCut(buffer: object): boolean {
    if (this.#whole?.has(buffer) === true) return false;
    if (this.#cut?.has(buffer) === true) this.#begunAnew(buffer);
    if (this.#numbers.find(buffer) >= 0) return false;
    this.#cut ??= new Set();
    this.#cut.add(buffer);
    return true;
  }

  /** A buffer itself, or a view that is written with all of it. */
  wholeBuffer(buffer: object): void {
    if (this.#cut?.has(buffer) === true) this.#begunAnew(buffer);
  }

  #begunAnew(buffer: object): never {
    this.#whole ??= new Set();
    this.#whole.add(buffer);
    throw ANEW;
  }

  #number(value: number): void {
    const integer = value | 0;
    if (integer === value && (integer !== 0 || 1 / value > 0)) return this.taggedInt32(Tag.int32, integer);
    this.taggedDouble(Tag.double, value);
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
      this.u8(Tag.symbolUnique);
      this.text(symbolTag(value));
      return this.text(value.description ?? '');
    }
    this.u8(Tag.symbolWellKnown);
    this.u8(known);
  }

  /** Gives the object its number; false where it had one, and a reference was written. */
  begin(value: object): boolean {
    const number = this.#numbers.take(value);
    if (number < 0) return true;
    this.u8(Tag.ref);
    this.u32(number);
    return false;
  }

  /** Runs `write`; where it fails, nothing of it is left and false is returned. */
  attempt(write: () => void): boolean {
    const { at, exact } = this;
    const { count } = this.#numbers;
    const depth = this.#depth;
    const extras = this.extras.length;
    const transfer = this.transfer.length;
    const steps = this.path?.length ?? 0;
    const deferred = this.#deferred.length;
    const given = this.#given.length;
    try {
      this.complete(write);
      return true;
    } catch (error) {
      if (!(error instanceof SerializationError)) throw error;
      this.at = at;
      this.exact = exact;
      this.#depth = depth;
      this.extras.length = extras;
      this.transfer.length = transfer;
      this.#deferred.length = deferred;
      this.#given.length = given;
      if (this.path !== undefined) this.path.length = steps;
      this.#numbers.backTo(count);
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

  /** A part that may come later: a property, an element. */
  member(step: string, value: unknown): void {
    this.path?.push(step);
    if (typeof value === 'object' && value !== null) this.child(value);
    else this.value(value);
    this.path?.pop();
  }

  /** As {@link member} on the first walk; true where no object is in it. */
  slot(value: unknown): boolean {
    switch (typeof value) {
      case 'number':
        this.#number(value);
        return true;
      case 'string':
        this.text(value);
        return true;
      case 'object':
        if (value !== null) {
          this.child(value);
          return false;
        }
        this.u8(Tag.null);
        return true;
      default:
        this.value(value);
        return typeof value !== 'function';
    }
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
    if (this.stored && this.viewed && byteLength >= CONSTANT) {
      this.beside += byteLength;
      this.u8(Tag.sharedBuffer);
      return this.u32(this.extras.push(freshSharedCopyOf(bytes)) - 1);
    }
    if (byteLength >= OUT_OF_BAND) {
      const copy = this.moved
        ? freshCopyOf(bytes)
        : this.stored
          ? freshSharedCopyOf(bytes)
          : sharedCopyOf(bytes);
      if (this.moved) this.transfer.push(copy);
      this.beside += byteLength;
      this.u8(Tag.bufferExtra);
      return this.u32(this.extras.push(copy) - 1);
    }
    this.u8(Tag.buffer);
    this.u32(byteLength);
    this.raw(bytes);
  }

  /** Whether the buffer's content is moved. What is captured goes to many. */
  gives(buffer: object): boolean {
    return !this.exact && (this.owned || isToBeMoved(buffer));
  }

  /** Writes a buffer whose content is moved; false where it is not. */
  give(buffer: ArrayBuffer): boolean {
    if (!this.gives(buffer)) return false;
    if (this.owned && buffer.byteLength < OUT_OF_BAND) return false;
    this.#given.push(buffer);
    // To fetch a small buffer takes longer than to copy it.
    if (this.stored || buffer.byteLength < (this.moved ? OUT_OF_BAND : MOVED)) {
      this.content(new Uint8Array(buffer));
      return true;
    }
    this.beside += buffer.byteLength;
    this.u8(Tag.bufferExtra);
    this.u32(this.extras.push(buffer) - 1);
    return true;
  }

  /** Takes the content of the buffers that were given: nothing can fail any more. */
  #take(from: number): void {
    for (const buffer of this.#given) {
      const at = this.extras.indexOf(buffer, from);
      const taken = take(buffer);
      if (at < 0) continue;
      this.extras[at] = taken;
      this.transfer.push(taken);
    }
    this.#given = [];
  }

  /** A buffer that only the view being written refers to. */
  lone(bytes: Uint8Array): void {
    this.begin(new ArrayBuffer(0));
    this.content(bytes);
  }

  module(ref: ModuleRef): void {
    this.modules.set(`${ref.specifier}\n${ref.from ?? ''}`, ref);
  }

  refuse(why: string): never {
    throw new SerializationError(why);
  }
}

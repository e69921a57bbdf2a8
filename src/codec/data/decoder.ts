/** Bytes to values. Every read is checked against the end: garbage gives an EngineError, never a hang. */
import { EngineError, SerializationError } from '../../errors.js';
import type { AssetStore } from './asset-store.js';
import { LITTLE, type RawBuffer } from './byte-writer.js';
import { type ClassScope, resultClasses } from './classes.js';
import { decodeArray, decodeObject, decodePlain } from './decode-object.js';
import { readFlat, readNested } from './read-shape.js';
import { latin1 } from './short-text.js';
import { symbolOf } from './symbols.js';
import { Tag, WELL_KNOWN_SYMBOLS } from './tags.js';

/** Stands for a function that is still being built because a value inside it refers to it. */
export const PENDING = Symbol('pending');
/** The place of an object whose value is not there yet. */
const RESERVED = Symbol('reserved');

const WORDS = 512;
const LONGEST_WORD = 16;
const keys: (string | undefined)[] = new Array(WORDS).fill(undefined);
const words: (string | undefined)[] = new Array(WORDS).fill(undefined);

/** These work on any bytes, not on Buffers alone. */
const { latin1Slice, ucs2Slice } = Buffer.prototype as RawBuffer;
const double = new Float64Array(1);
/** From here on a view pays. */
const MANY_BYTES = 256;
const MOST_LUCK = 64;
/** Places for objects that are used again for the next item. */
const MOST_KEPT = 64;
const doubleBytes = new Uint8Array(double.buffer);

export class Decoder {
  readonly bytes: Uint8Array;
  readonly extras: readonly unknown[];
  readonly assets: AssetStore;
  readonly classes: ClassScope;
  #end: number;
  at: number;
  /** Something in the item may keep what it sees: code that is not known to forget, or what it can reach. */
  keeps = false;
  /** What fills the blanks of a value that was packed before it was there. */
  blanks: readonly unknown[] | undefined;
  /** The reference number of the last PENDING. */
  pendingId = -1;
  #refs: unknown[] = [];
  /** Those of `#refs` that belong to this item. */
  #count = 0;
  #view: DataView | undefined;
  /** Words found in the table, less those that were not: strings that are all different are not looked for. */
  #luck = MOST_LUCK;
  #later: number[] | undefined;
  #atEnd: (() => void)[] | undefined;
  #fixups: Map<number, ((value: unknown) => void)[]> | undefined;

  constructor(
    bytes: Uint8Array,
    extras: readonly unknown[],
    assets: AssetStore,
    from = 0,
    to = bytes.byteLength,
    classes: ClassScope = resultClasses,
  ) {
    this.bytes = bytes;
    this.extras = extras;
    this.assets = assets;
    this.classes = classes;
    this.at = from;
    this.#end = to;
  }

  get done(): boolean {
    return this.at >= this.#end;
  }

  /** One value with an identity scope of its own. */
  item(): unknown {
    if (this.#count > MOST_KEPT) this.#refs = [];
    this.#count = 0;
    this.keeps = false;
    try {
      const value = this.value();
      if (this.#later !== undefined) this.#readLater(this.#later);
      if (this.#atEnd !== undefined) this.#finish(this.#atEnd);
      if (value === PENDING) this.corrupt('a value is missing');
      return value;
    } catch (error) {
      if (!(error instanceof RangeError) || !/call stack/i.test(error.message)) throw error;
      throw new SerializationError('cannot read a value: it is nested too deeply', { cause: error });
    }
  }

  /** As {@link item}, of the bytes `[from, to)`. */
  itemAt(from: number, to: number): unknown {
    this.at = from;
    this.#end = to;
    if (from < to) {
      const tag = this.bytes[from]!;
      // What has no parts needs no numbers either.
      if (tag < Tag.later && tag !== Tag.ref) return this.value();
      if (tag === Tag.flat) {
        this.at = from + 1;
        return readFlat(this);
      }
    }
    return this.item();
  }

  #readLater(list: readonly number[]): void {
    // The list grows meanwhile.
    for (const id of list) decodeObject(this, this.u8(), id);
    this.#later = undefined;
  }

  #finish(actions: readonly (() => void)[]): void {
    this.#atEnd = undefined;
    for (const action of actions) action();
  }

  /** Runs `action` when the whole item is there. */
  atEnd(action: () => void): void {
    this.#atEnd ??= [];
    this.#atEnd.push(action);
  }

  value(): unknown {
    const tag = this.u8();
    switch (tag) {
      case Tag.undefined:
        return undefined;
      case Tag.null:
        return null;
      case Tag.false:
        return false;
      case Tag.true:
        return true;
      case Tag.int32:
        return this.#int32();
      case Tag.double:
        return this.double();
      case Tag.latin1:
      case Tag.latin1Long:
      case Tag.utf16:
      case Tag.constantString:
        return this.#string(tag);
      case Tag.bigint: {
        const digits = this.text();
        return this.made(() =>
          digits.startsWith('-') ? -BigInt(`0x${digits.slice(1)}`) : BigInt(`0x${digits}`),
        );
      }
      case Tag.plain:
        return decodePlain(this, this.define(this.reserve(), {}));
      case Tag.flat:
        return this.define(this.reserve(), readFlat(this));
      case Tag.shape:
        return readNested(this, this.reserve());
      case Tag.array:
        return decodeArray(this, this.reserve());
      case Tag.later:
        this.pendingId = this.reserve();
        this.#later ??= [];
        this.#later.push(this.pendingId);
        return PENDING;
      case Tag.symbolUnique:
        return symbolOf(this.text(), this.text());
      case Tag.symbolRegistered:
        return Symbol.for(this.text());
      case Tag.symbolWellKnown:
        return WELL_KNOWN_SYMBOLS[this.u8()];
      case Tag.sharedClass:
        return this.#sharedClass(this.key());
      case Tag.ref:
        return this.#ref(this.u32());
      default:
        return decodeObject(this, tag);
    }
  }

  /** A value without parts. */
  simple(): unknown {
    const { bytes, at } = this;
    const tag = at < this.#end ? bytes[at]! : Tag.later;
    this.at = at + 1;
    if (tag === Tag.int32) return this.#int32();
    if (tag === Tag.double) return this.double();
    if (tag === Tag.latin1) return this.#short(words);
    this.at = at;
    if (tag >= Tag.later || tag === Tag.ref) this.corrupt('an object is not as flat as it has to be');
    return this.value();
  }

  // ---- references -------------------------------------------------------------------------------------------

  /** The next object's number; its value comes by {@link define}. */
  reserve(): number {
    this.#refs[this.#count] = RESERVED;
    return this.#count++;
  }

  define<T>(id: number, value: T): T {
    this.#refs[id] = value;
    const waiting = this.#fixups?.get(id);
    if (waiting !== undefined) {
      this.#fixups!.delete(id);
      for (const fix of waiting) fix(value);
    }
    return value;
  }

  #ref(id: number): unknown {
    if (id >= this.#count) this.corrupt(`reference ${id} of ${this.#count}`);
    const value = this.#refs[id];
    if (value !== RESERVED) return value;
    this.pendingId = id;
    return PENDING;
  }

  /** Calls `use` with the value: now, or once it is built. */
  whenBuilt(value: unknown, use: (value: unknown) => void): void {
    if (value !== PENDING) return use(value);
    this.#fixups ??= new Map();
    const list = this.#fixups.get(this.pendingId);
    if (list === undefined) this.#fixups.set(this.pendingId, [use]);
    else list.push(use);
  }

  // ---- parts ------------------------------------------------------------------------------------------------

  need(count: number): void {
    if (count > this.#end - this.at)
      this.corrupt(`${count} bytes are wanted and ${this.#end - this.at} left`);
  }

  u8(): number {
    this.need(1);
    return this.bytes[this.at++]!;
  }

  u16(): number {
    this.need(2);
    const { bytes, at } = this;
    this.at = at + 2;
    return bytes[at]! | (bytes[at + 1]! << 8);
  }

  u32(): number {
    return this.#int32() >>> 0;
  }

  /** A number of parts, each of at least one byte. */
  count(): number {
    const count = this.u32();
    this.need(count);
    return count;
  }

  #int32(): number {
    this.need(4);
    const { bytes, at } = this;
    this.at = at + 4;
    return bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
  }

  double(): number {
    this.need(8);
    const { bytes, at } = this;
    this.at = at + 8;
    if (bytes.length >= MANY_BYTES) return (this.#view ?? this.#large()).getFloat64(at, LITTLE);
    for (let i = 0; i < 8; i++) doubleBytes[i] = bytes[at + i]!;
    return double[0]!;
  }

  /** Whether these bytes, of which `words` are all but the last few, come next; there are as many. */
  startsWith(words: Int32Array, all: Uint8Array): boolean {
    const { bytes, at } = this;
    let i = 0;
    if (bytes.length >= MANY_BYTES) {
      const view = this.#view ?? this.#large();
      for (; i < words.length; i++) if (view.getInt32(at + i * 4, true) !== words[i]) return false;
      i *= 4;
    }
    while (i < all.length && all[i] === bytes[at + i]) i++;
    return i === all.length;
  }

  #large(): DataView {
    const { buffer, byteOffset, byteLength } = this.bytes;
    this.#view = new DataView(buffer, byteOffset, byteLength);
    return this.#view;
  }

  raw(length: number): Uint8Array {
    this.need(length);
    const part = this.bytes.subarray(this.at, this.at + length);
    this.at += length;
    return part;
  }

  text(): string {
    const tag = this.u8();
    if (tag !== Tag.latin1 && tag !== Tag.latin1Long && tag !== Tag.utf16 && tag !== Tag.constantString) {
      this.corrupt(`tag ${tag} where a string has to be`);
    }
    return this.#string(tag);
  }

  /** A property's name: the same few come again and again, and interned ones are faster to set. */
  key(): string {
    if (this.at < this.#end && this.bytes[this.at] === Tag.latin1) {
      this.at += 1;
      return this.#short(keys);
    }
    return this.text();
  }

  /** Of a property with attributes: a name or a symbol. */
  propertyKey(): PropertyKey {
    if (this.at < this.#end && this.bytes[this.at] === Tag.latin1) return this.key();
    const key = this.value();
    return typeof key === 'string' || typeof key === 'symbol'
      ? key
      : this.corrupt('a property without a name');
  }

  #string(tag: number): string {
    if (tag === Tag.latin1) return this.#short(words);
    if (tag === Tag.constantString) {
      const wide = this.u8() === 2;
      const content = Buffer.from(this.constant(this.text()));
      return content.toString(wide ? 'utf16le' : 'latin1');
    }
    const length = this.u32();
    const size = tag === Tag.utf16 ? length * 2 : length;
    this.need(size);
    const from = this.at;
    this.at += size;
    return tag === Tag.utf16
      ? ucs2Slice.call(this.bytes, from, from + size)
      : latin1Slice.call(this.bytes, from, from + size);
  }

  /** The same few names and words come again and again: comparing bytes is faster than making a string. */
  #short(table: (string | undefined)[]): string {
    const length = this.u8();
    this.need(length);
    const { bytes } = this;
    const from = this.at;
    this.at += length;
    if (length === 0) return '';
    if (length > LONGEST_WORD || this.#luck < 0) return latin1(bytes, from, length);
    const slot =
      (length * 31 + bytes[from]! * 7 + bytes[from + length - 1]! * 3 + bytes[from + (length >> 1)]!) % WORDS;
    const known = table[slot];
    if (known !== undefined && known.length === length) {
      let i = 0;
      while (i < length && known.charCodeAt(i) === bytes[from + i]) i++;
      if (i === length) {
        if (this.#luck < MOST_LUCK) this.#luck += 1;
        return known;
      }
    }
    this.#luck -= 1;
    const word = latin1(bytes, from, length);
    table[slot] = word;
    return word;
  }

  constant(hash: string): Uint8Array {
    const asset = this.assets.get(hash);
    if (asset?.kind !== 'constant') return this.corrupt(`constant ${hash} is not here`);
    return new Uint8Array(asset.buffer);
  }

  #sharedClass(hash: string): Function {
    const known = this.classes.shared(hash);
    if (known !== undefined) return known;
    const asset = this.assets.get(hash);
    if (asset?.kind !== 'class') return this.corrupt(`class ${hash} is not here`);
    const { bytes, extras } = asset.packed;
    const type = new Decoder(bytes, extras, this.assets, 0, bytes.byteLength, this.classes).item();
    if (typeof type !== 'function') return this.corrupt(`class ${hash} is none`);
    this.classes.share(hash, type);
    return type;
  }

  extra(): unknown {
    const at = this.u32();
    if (at >= this.extras.length) this.corrupt(`part ${at} of ${this.extras.length}`);
    return this.extras[at];
  }

  /** A builtin made of what was read: where it refuses, the bytes are at fault. */
  made<T>(make: () => T): T {
    try {
      return make();
    } catch (error) {
      return this.corrupt(error instanceof Error ? error.message : String(error));
    }
  }

  corrupt(what: string): never {
    throw new EngineError(`a message between workers is damaged: ${what} (at byte ${this.at})`);
  }
}

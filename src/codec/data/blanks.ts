/**
 * Values with blanks: what is known now is encoded now, and sent once the rest is there. A call whose arguments are futures
 * works on what the others were when it was made.
 */
import type { Packed } from '../packed.js';
import { Decoder } from './decoder.js';
import type { Encoder } from './encoder.js';
import { Tag } from './tags.js';

/** Stands for what is not there yet. */
export class Blank {
  /** Its value is the one of this place among those that are filled in. */
  readonly place: number;

  constructor(place: number) {
    this.place = place;
  }
}

/** Arrives as the value that was packed, with its blanks filled. */
export class Filled {
  readonly packed: Packed;
  readonly values: readonly unknown[];

  constructor(packed: Packed, values: readonly unknown[]) {
    this.packed = packed;
    this.values = values;
  }
}

export function encodeBlanks(encoder: Encoder, given: object, prototype: unknown): boolean {
  if (prototype === Blank.prototype) {
    encoder.u8(Tag.blank);
    encoder.u32((given as Blank).place);
    return true;
  }
  if (prototype !== Filled.prototype) return false;
  const { packed, values } = given as Filled;
  encoder.u8(Tag.filled);
  encoder.u32(values.length);
  for (const value of values) encoder.value(value);
  encoder.u32(encoder.extras.length);
  encoder.extras.push(...packed.extras);
  encoder.transfer.push(...packed.transfer);
  for (const asset of packed.assets) encoder.assets.set(asset.hash, asset);
  for (const module of packed.modules) encoder.module(module);
  encoder.u32(packed.bytes.byteLength);
  encoder.raw(packed.bytes);
  return true;
}

export function decodeBlank(decoder: Decoder): unknown {
  const place = decoder.u32();
  const { blanks } = decoder;
  if (blanks === undefined || place >= blanks.length) return decoder.corrupt(`blank ${place} has no value`);
  return blanks[place];
}

export function decodeFilled(decoder: Decoder): unknown {
  const values: unknown[] = new Array(decoder.count()).fill(undefined);
  for (let i = 0; i < values.length; i++) {
    decoder.whenBuilt(decoder.value(), (value) => {
      values[i] = value;
    });
  }
  const extras = decoder.extras.slice(decoder.u32());
  const bytes = decoder.raw(decoder.u32());
  const inner = new Decoder(bytes, extras, decoder.assets, 0, bytes.byteLength, decoder.classes);
  inner.blanks = values;
  const value = inner.item();
  if (inner.keeps) decoder.keeps = true;
  return value;
}

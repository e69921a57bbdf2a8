/** The other side of `write-shape.ts`: blocks of keys that were seen before, and code that builds their objects. */
import { type Decoder, PENDING } from './decoder.js';
import { generate } from './generate.js';
import { toWords } from './write-shape.js';

type ReadFlat = (decoder: Decoder) => object;
type ReadNested = (decoder: Decoder, id: number) => object;

/** Objects of a shape before code is made for it. */
const WARM = 8;
/** By fingerprint; two shapes with one place take turns. */
const PLACES = 512;
const shapes: (ReadShape | undefined)[] = new Array<ReadShape | undefined>(PLACES).fill(undefined);

class ReadShape {
  readonly fingerprint: number;
  readonly block: Uint8Array;
  /** The same in whole little-endian words: most of it is compared by them. */
  readonly words: Int32Array;
  readonly keys: readonly string[];
  flat: ReadFlat | undefined;
  nested: ReadNested | undefined;
  uses = 0;

  constructor(fingerprint: number, block: Uint8Array, keys: readonly string[]) {
    this.fingerprint = fingerprint;
    this.block = block;
    this.words = toWords(block.subarray(0, block.length & ~3));
    this.keys = keys;
  }

  warm(): void {
    this.uses += 1;
    if (this.uses !== WARM || this.keys.includes('__proto__')) return;
    this.flat = flatReader(this.keys);
    this.nested = nestedReader(this.keys);
  }
}

function shapeAt(decoder: Decoder): ReadShape {
  const fingerprint = decoder.u32();
  const length = decoder.u16();
  decoder.need(length);
  const { bytes, at } = decoder;
  const known = shapes[fingerprint % PLACES];
  if (known !== undefined && known.fingerprint === fingerprint && known.block.length === length) {
    if (decoder.startsWith(known.words, known.block)) {
      decoder.at = at + length;
      return known;
    }
  }
  const count = decoder.u8();
  const keys: string[] = [];
  for (let i = 0; i < count; i++) keys.push(decoder.key());
  if (decoder.at !== at + length) decoder.corrupt('the keys of an object do not end where they have to');
  const shape = new ReadShape(fingerprint, bytes.slice(at, at + length), keys);
  shapes[fingerprint % PLACES] = shape;
  return shape;
}

/** An object that holds no other. */
export function readFlat(decoder: Decoder): object {
  const shape = shapeAt(decoder);
  if (shape.flat !== undefined) return shape.flat(decoder);
  shape.warm();
  const target: Record<string, unknown> = {};
  for (const key of shape.keys) put(target, key, decoder.simple());
  return target;
}

export function readNested(decoder: Decoder, id: number): object {
  const shape = shapeAt(decoder);
  if (shape.nested !== undefined) return shape.nested(decoder, id);
  shape.warm();
  const target = decoder.define(id, {});
  for (const key of shape.keys) {
    const value = decoder.value();
    if (value === PENDING) later(decoder, target, key);
    else put(target, key, value);
  }
  return target;
}

/** The property keeps its place in the order. */
function later(decoder: Decoder, target: object, key: string): void {
  put(target, key, undefined);
  decoder.whenBuilt(PENDING, (built) => put(target, key, built));
}

function put(target: object, key: string, value: unknown): void {
  if (key !== '__proto__') (target as Record<string, unknown>)[key] = value;
  else Object.defineProperty(target, key, { value, writable: true, enumerable: true, configurable: true });
}

/** Object literals give all objects of a shape one hidden class. */
function flatReader(keys: readonly string[]): ReadFlat | undefined {
  const parts = keys.map((key) => `${JSON.stringify(key)}: d.simple()`);
  return generate<ReadFlat>(['d'], `return { ${parts.join(', ')} };`);
}

function nestedReader(keys: readonly string[]): ReadNested | undefined {
  const names = keys.map((key) => JSON.stringify(key));
  const make = generate<(pending: symbol, later: unknown) => ReadNested>(
    ['P', 'later'],
    `return (d, id) => {
      const o = d.define(id, { ${names.map((name) => `${name}: undefined`).join(', ')} });
      let v;
      ${names.map((name) => `if ((v = d.value()) === P) later(d, o, ${name}); else o[${name}] = v;`).join('\n')}
      return o;
    };`,
  );
  return make?.(PENDING, later);
}

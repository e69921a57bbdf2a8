import type { RawBuffer } from './byte-writer.js';
import { generate } from './generate.js';

type Make = (bytes: Uint8Array, from: number) => string;

/** Above this the engine's own way is faster. */
const LONGEST = 24;
const { latin1Slice } = Buffer.prototype as RawBuffer;
const makers = new Array<Make | undefined>(LONGEST + 1).fill(undefined);

/** One-byte characters to a string. To call the engine costs more than to make a short string here. */
export function latin1(bytes: Uint8Array, from: number, length: number): string {
  if (length > LONGEST) return latin1Slice.call(bytes, from, from + length);
  return (makers[length] ?? makerOf(length))(bytes, from);
}

function makerOf(length: number): Make {
  const codes = Array.from({ length }, (_, i) => `b[f + ${i}]`);
  const maker =
    generate<Make>(['b', 'f'], `return String.fromCharCode(${codes.join()});`) ??
    ((bytes, from) => latin1Slice.call(bytes, from, from + length));
  makers[length] = maker;
  return maker;
}

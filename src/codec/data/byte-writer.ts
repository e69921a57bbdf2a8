/** What Node's Buffer can do and its types do not say: strings without the detour by an encoding's name. */
export interface RawBuffer extends Buffer {
  latin1Write(text: string, at: number, length: number): number;
  ucs2Write(text: string, at: number, length: number): number;
  latin1Slice(from: number, to: number): string;
  ucs2Slice(from: number, to: number): string;
}

/** Doubles and arrays of numbers are in the machine's own order, so that they can be read as they are. */
export const LITTLE = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;

/** A growing byte buffer. The buffer is replaced when it grows, so nobody keeps it. */
export class ByteWriter {
  bytes: RawBuffer;
  at = 0;
  view: DataView;

  constructor(size = 64 * 1024) {
    this.bytes = Buffer.allocUnsafeSlow(size) as RawBuffer;
    this.view = new DataView(this.bytes.buffer);
  }

  /** Makes room for `more` bytes. */
  need(more: number): void {
    if (this.at + more <= this.bytes.length) return;
    const grown = Buffer.allocUnsafeSlow(Math.max(this.bytes.length * 2, this.at + more)) as RawBuffer;
    grown.set(this.bytes.subarray(0, this.at));
    this.bytes = grown;
    this.view = new DataView(grown.buffer);
  }

  u8(value: number): void {
    this.need(1);
    this.bytes[this.at++] = value;
  }

  u16(value: number): void {
    this.need(2);
    this.view.setUint16(this.at, value, true);
    this.at += 2;
  }

  u32(value: number): void {
    this.need(4);
    this.view.setUint32(this.at, value, true);
    this.at += 4;
  }

  taggedInt32(tag: number, value: number): void {
    this.need(5);
    const { at } = this;
    this.bytes[at] = tag;
    this.view.setInt32(at + 1, value, true);
    this.at = at + 5;
  }

  taggedDouble(tag: number, value: number): void {
    this.need(9);
    const { at } = this;
    this.bytes[at] = tag;
    this.view.setFloat64(at + 1, value, LITTLE);
    this.at = at + 9;
  }

  double(value: number): void {
    this.need(8);
    this.view.setFloat64(this.at, value, LITTLE);
    this.at += 8;
  }

  numbers(values: readonly number[], integers: boolean): void {
    const { length } = values;
    this.need(length * 8);
    const view = this.view;
    let { at } = this;
    if (integers) for (let i = 0; i < length; i++, at += 4) view.setInt32(at, values[i]!, LITTLE);
    else for (let i = 0; i < length; i++, at += 8) view.setFloat64(at, values[i]!, LITTLE);
    this.at = at;
  }

  raw(bytes: Uint8Array): void {
    this.need(bytes.byteLength);
    this.bytes.set(bytes, this.at);
    this.at += bytes.byteLength;
  }

  /** Short one-byte strings are copied by hand, others by the engine; surrogates survive as UTF-16 units. */
  string(value: string, latin1: number, latin1Long: number, utf16: number): void {
    const { length } = value;
    if (length <= 24) {
      this.need(length + 2);
      const { bytes } = this;
      const start = this.at;
      let i = 0;
      for (; i < length; i++) {
        const unit = value.charCodeAt(i);
        if (unit > 255) break;
        bytes[start + 2 + i] = unit;
      }
      if (i < length) return this.#wide(value, utf16);
      bytes[start] = latin1;
      bytes[start + 1] = length;
      this.at = start + 2 + length;
      return;
    }
    if (!isLatin1(value)) return this.#wide(value, utf16);
    this.u8(latin1Long);
    this.u32(length);
    this.need(length);
    this.bytes.latin1Write(value, this.at, length);
    this.at += length;
  }

  #wide(value: string, tag: number): void {
    this.u8(tag);
    this.u32(value.length);
    this.need(value.length * 2);
    this.bytes.ucs2Write(value, this.at, value.length * 2);
    this.at += value.length * 2;
  }
}

export function isLatin1(value: string): boolean {
  for (let i = 0; i < value.length; i++) if (value.charCodeAt(i) > 255) return false;
  return true;
}

/** In place of the codec: a number is its four bytes. */
export class Packer {
  /** Bytes so far. */
  length = 0;
  readonly isPlain = true;
  #value = 0;

  item(value: unknown): void {
    this.#value = value as number;
    this.length = 4;
  }

  copyTo(bytes: Uint8Array, at: number): void {
    for (let i = 0; i < 4; i++) bytes[at + i] = (this.#value >> (8 * i)) & 255;
    this.length = 0;
  }

  finish(): { bytes: Uint8Array; extras: []; assets: []; modules: []; transfer: [] } {
    const bytes = new Uint8Array(4);
    this.copyTo(bytes, 0);
    return { bytes, extras: [], assets: [], modules: [], transfer: [] };
  }
}

export const packError = (value: unknown): { bytes: Uint8Array } => {
  const packer = new Packer();
  packer.item(value);
  return packer.finish();
};

/** The number of four bytes. */
export const unpack = (bytes: Uint8Array, at: number): number =>
  bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);

/** Text longer than this is not for calls that are to take no time. */
const SHORT = 1000;

/** What a copy cannot be told from, and no call takes long over. */
export function isRaw(value: unknown): boolean {
  switch (typeof value) {
    case 'number':
    case 'boolean':
    case 'undefined':
      return true;
    case 'string':
      return value.length <= SHORT;
    default:
      return value === null;
  }
}

/** Collects items as they are, for calls that run in this thread; in place of a {@link ChunkFiller}. */
export class RawFiller {
  readonly #size: number;
  readonly values: unknown[] = [];
  readonly base: number;

  constructor(size: number, base: number) {
    this.#size = size;
    this.base = base;
  }

  get count(): number {
    return this.values.length;
  }

  get full(): boolean {
    return this.values.length >= this.#size;
  }

  add(value: unknown): void {
    this.values.push(value);
  }
}

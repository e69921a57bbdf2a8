/** Collects items as they are, for calls that run in this thread; in place of a {@link ChunkFiller}. */
export class RawFiller {
  readonly #size: number;
  values: unknown[] = [];
  base: number;
  /** The last item may be changed by whoever gave it before the next one is read. */
  #closed = false;

  constructor(size: number, base: number) {
    this.#size = size;
    this.base = base;
  }

  get count(): number {
    return this.values.length;
  }

  get full(): boolean {
    return this.#closed || this.values.length >= this.#size;
  }

  add(value: unknown): void {
    this.values.push(value);
    this.#closed = isObject(value);
  }

  /** As many items as there is room for, from `from` on, of a list that nobody changes meanwhile. */
  addList(list: ArrayLike<unknown>, from: number): void {
    this.values = Array.prototype.slice.call(list, from, from + this.#size);
  }

  restart(base: number): void {
    this.values = [];
    this.base = base;
    this.#closed = false;
  }
}

/** What travels as a copy, if at all. */
export function isObject(value: unknown): boolean {
  return (
    (typeof value === 'object' && value !== null) || typeof value === 'function' || typeof value === 'symbol'
  );
}

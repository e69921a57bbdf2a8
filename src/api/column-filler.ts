/**
 * Collects items that are numbers, one behind the other: as integers of 32 bits as long as all of them are such, else as
 * doubles. A number is copied by reading it, so nothing can be told from items that were packed.
 */
import type { Numbers } from '../protocol/index.js';
import { isInt32 } from '../util/is-int32.js';
import { CHUNK_BYTES } from './chunker.js';
import type { ColumnShelf } from './column-shelf.js';

const LEAST_ROOM = 64;
/** No item: none of a list is this. */
export const NONE = Symbol('none');

export class ColumnFiller {
  readonly #size: number;
  readonly #shelf: ColumnShelf;
  #numbers: Numbers = new Int32Array(LEAST_ROOM);
  #count = 0;
  /** What {@link take} has read and not taken, as it is no number. */
  left: unknown = NONE;

  /** For `size` numbers at most. */
  constructor(size: number, shelf: ColumnShelf) {
    this.#size = size;
    this.#shelf = shelf;
  }

  get count(): number {
    return this.#count;
  }

  get full(): boolean {
    return this.#room <= 0;
  }

  add(value: number): void {
    if (this.#numbers instanceof Int32Array && !isInt32(value)) {
      this.#move(8, Math.max(this.#count + 1, Math.min(this.#numbers.length, CHUNK_BYTES / 8)));
    }
    this.#grow(1);
    this.#numbers[this.#count++] = value;
  }

  /** Takes numbers from a list, from index `from` on, and reads each once; where it stopped: with `left`, at the end or full. */
  take(list: ArrayLike<unknown>, from: number): number {
    this.left = NONE;
    this.#grow(Math.min(list.length - from, this.#room));
    const numbers = this.#numbers;
    if (numbers instanceof Float64Array) return this.#takeDoubles(numbers, list, from);
    const at = this.#takeIntegers(numbers, list, from);
    const { left } = this;
    if (typeof left !== 'number') return at;
    // From here on they are doubles.
    this.add(left);
    return this.take(list, at + 1);
  }

  /** A view on what the shelf may get back. */
  finish(): Numbers {
    return this.#numbers.subarray(0, this.#count);
  }

  /** Numbers that it still takes. */
  get #room(): number {
    return Math.min(this.#size, CHUNK_BYTES / this.#numbers.BYTES_PER_ELEMENT) - this.#count;
  }

  #takeIntegers(numbers: Int32Array, list: ArrayLike<unknown>, from: number): number {
    const to = Math.min(list.length, from + this.#room);
    let count = this.#count;
    let at = from;
    for (; at < to; at++) {
      const value = list[at];
      if (typeof value !== 'number' || !isInt32(value)) {
        this.left = value;
        break;
      }
      numbers[count++] = value;
    }
    this.#count = count;
    return at;
  }

  #takeDoubles(numbers: Float64Array, list: ArrayLike<unknown>, from: number): number {
    const to = Math.min(list.length, from + this.#room);
    let count = this.#count;
    let at = from;
    for (; at < to; at++) {
      const value = list[at];
      if (typeof value !== 'number') {
        this.left = value;
        break;
      }
      numbers[count++] = value;
    }
    this.#count = count;
    return at;
  }

  #grow(more: number): void {
    const { length, BYTES_PER_ELEMENT } = this.#numbers;
    const needed = this.#count + more;
    if (needed > length) this.#move(BYTES_PER_ELEMENT, Math.max(needed, Math.min(this.#size, length * 4)));
  }

  #move(width: number, length: number): void {
    const before = this.#numbers;
    const buffer = this.#shelf.take(length * width);
    this.#numbers = width === 4 ? new Int32Array(buffer) : new Float64Array(buffer);
    this.#numbers.set(before.subarray(0, this.#count));
    this.#shelf.give(before);
  }
}

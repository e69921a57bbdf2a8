/**
 * Collects items that are numbers, one behind the other: as integers of 32 bits as long as all of them are such, else as
 * doubles. A number is copied by reading it, so nothing can be told from items that were packed.
 */
import type { Numbers } from '../protocol/index.js';

const LEAST_ROOM = 64;
/** No item: none of a list is this. */
export const NONE = Symbol('none');

export class ColumnFiller {
  readonly #size: number;
  #numbers: Numbers = new Int32Array(LEAST_ROOM);
  #count = 0;
  /** What {@link take} has read and not taken, as it is no number. */
  left: unknown = NONE;

  /** For `size` numbers at most. */
  constructor(size: number) {
    this.#size = size;
  }

  get count(): number {
    return this.#count;
  }

  get full(): boolean {
    return this.#count >= this.#size;
  }

  add(value: number): void {
    if (this.#count === this.#numbers.length) this.#grow(1);
    if (this.#numbers instanceof Int32Array && !isInteger(value))
      this.#numbers = Float64Array.from(this.#numbers);
    this.#numbers[this.#count++] = value;
  }

  /** Takes numbers from a list, from index `from` on, and reads each once; where it stopped: with `left`, at the end or full. */
  take(list: ArrayLike<unknown>, from: number): number {
    const to = Math.min(list.length, from + this.#size - this.#count);
    this.left = NONE;
    this.#grow(to - from);
    let at = from;
    if (this.#numbers instanceof Int32Array) {
      at = this.#takeIntegers(this.#numbers, list, from, to);
      if (typeof this.left !== 'number') return at;
      this.add(this.left);
      this.left = NONE;
      at += 1;
    }
    return this.#takeDoubles(this.#numbers as Float64Array, list, at, to);
  }

  finish(): Numbers {
    return this.#numbers.length === this.#count ? this.#numbers : this.#numbers.slice(0, this.#count);
  }

  #takeIntegers(numbers: Int32Array, list: ArrayLike<unknown>, from: number, to: number): number {
    let count = this.#count;
    let at = from;
    for (; at < to; at++) {
      const value = list[at];
      if (typeof value !== 'number' || !isInteger(value)) {
        this.left = value;
        break;
      }
      numbers[count++] = value;
    }
    this.#count = count;
    return at;
  }

  #takeDoubles(numbers: Float64Array, list: ArrayLike<unknown>, from: number, to: number): number {
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
    const { length } = this.#numbers;
    if (this.#count + more <= length) return;
    const room = Math.max(Math.min(this.#size, length * 4), this.#count + more);
    const grown = this.#numbers instanceof Int32Array ? new Int32Array(room) : new Float64Array(room);
    grown.set(this.#numbers.subarray(0, this.#count));
    this.#numbers = grown;
  }
}

/** Of 32 bits, and not -0. */
function isInteger(value: number): boolean {
  return (value | 0) === value && (value !== 0 || 1 / value > 0);
}

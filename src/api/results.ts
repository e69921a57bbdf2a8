import type { Column } from '../transport/index.js';
import { fillWith, numbersOf } from './values.js';

/** Arrays that are joined in one step. */
const GROUP = 4096;
/** Elements of what the whole is made of. */
const BLOCK = 65_536;
/** Longer arrays are not made before their elements are there. */
const MOST_AT_ONCE = 2 ** 26;

/**
 * The outcomes of an operation by their indices, as they come. Those that come many at a time are kept as they are and joined
 * at the end: one copy of memory, where putting each in its place in a large array costs several times as much. Numbers
 * are put in their places as they come, while workers go on, if it is known how many there will be.
 */
export class Results {
  readonly #length: number | undefined;
  #whole: unknown[] | undefined;
  #pieces: { readonly first: number; readonly values: readonly unknown[] }[] = [];
  /** Those that came alone, each in its place. */
  #single: unknown[] = [];
  #sorted = true;

  /** `length`: how many there will be, where that is known. */
  constructor(length: number | undefined) {
    this.#length = length;
  }

  add(index: number, value: unknown): void {
    const all = this.#whole ?? this.#single;
    // Filled up to the index first: holes would make the array slow for its reader.
    while (all.length < index) all.push(undefined);
    all[index] = value;
  }

  /** The array is kept. */
  addMany(first: number, values: readonly unknown[]): void {
    if (this.#whole !== undefined) {
      for (let i = 0; i < values.length; i++) this.add(first + i, values[i]);
      return;
    }
    const last = this.#pieces.at(-1);
    if (last !== undefined && last.first > first) this.#sorted = false;
    this.#pieces.push({ first, values });
  }

  addColumn(first: number, column: Column): void {
    if (this.#whole === undefined && column.numbers !== undefined) this.#begin(column.integers);
    const whole = this.#whole;
    if (whole !== undefined && first + column.count <= whole.length) fillWith(whole, first, column);
    else this.addMany(first, numbersOf(column));
  }

  /** All of them, once there is one for every index below `count`. */
  join(count: number): unknown[] {
    const whole = this.#whole;
    if (whole !== undefined) {
      if (whole.length > count) whole.length = count;
      return whole;
    }
    if (this.#single.length > 0) {
      this.#unite(this.#single);
      return this.#single;
    }
    const pieces = this.#pieces;
    if (!this.#sorted) pieces.sort((a, b) => a.first - b.first);
    let arrays = pieces.map(({ values }) => values);
    while (arrays.length > 1) arrays = joined(arrays);
    return (arrays[0] ?? []) as unknown[];
  }

  /** From here on everything is put in its place. */
  #begin(integers: boolean): void {
    const length = this.#length;
    if (length === undefined || length > MOST_AT_ONCE) return;
    const whole = filled(length, integers ? 0 : 0.5);
    for (let i = 0; i < this.#single.length; i++) whole[i] = this.#single[i];
    this.#single = [];
    this.#unite(whole);
    this.#pieces = [];
    this.#whole = whole;
  }

  #unite(all: unknown[]): void {
    for (const { first, values } of this.#pieces) {
      while (all.length < first) all.push(undefined);
      for (let i = 0; i < values.length; i++) all[first + i] = values[i];
    }
  }
}

function joined(arrays: readonly (readonly unknown[])[]): (readonly unknown[])[] {
  const groups: (readonly unknown[])[] = [];
  for (let at = 0; at < arrays.length; at += GROUP) {
    groups.push(([] as unknown[]).concat(...arrays.slice(at, at + GROUP)));
  }
  return groups;
}

/** An array without holes, of the kind that holds numbers such as `value`: only joining arrays makes one at once. */
function filled(length: number, value: number): unknown[] {
  let block: unknown[] = [value];
  while (block.length < Math.min(length, BLOCK)) block = block.concat(block);
  const blocks = new Array<unknown[]>(Math.floor(length / block.length)).fill(block);
  return ([] as unknown[]).concat(...blocks, block.slice(0, length % block.length));
}

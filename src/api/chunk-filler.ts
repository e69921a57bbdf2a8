import { asArgument, type ClassShelf, type Keeper, type Packed, Packer } from '../codec/index.js';
import type { Items } from '../transport/index.js';
import { CHUNK_BYTES } from './chunker.js';
import { ColumnFiller, NONE } from './column-filler.js';
import type { ColumnShelf } from './column-shelf.js';

const NO_OFFSETS: readonly number[] = [];
const NO_BYTES: Packed = { bytes: new Uint8Array(0), extras: [], transfer: [], assets: [], modules: [] };

/** The engine that items are packed for. */
export interface PackedFor {
  /** Told of refs among the items. */
  readonly refs: Keeper;
  /** They go to other processes. */
  readonly apart: boolean;
}

/**
 * Packs items one behind the other, until there are enough of them or they are large enough. As long as all are numbers they
 * are collected as a column instead.
 */
export class ChunkFiller {
  readonly #size: number;
  readonly #refs: Keeper;
  readonly #shelf: ColumnShelf;
  readonly #options: { readonly label: string; readonly classes: ClassShelf; readonly apart: boolean };
  #column: ColumnFiller | undefined;
  #packer: Packer | undefined;
  #offsets: Uint32Array | undefined;
  #count = 0;
  base: number;
  /** See {@link takeNumbers}. */
  left: unknown = NONE;
  /** Since when it is filled, in ms. */
  readonly begunAt = performance.now();

  constructor(size: number, base: number, classes: ClassShelf, engine: PackedFor, shelf: ColumnShelf) {
    const { refs, apart } = engine;
    this.#shelf = shelf;
    this.#refs = refs;
    this.#size = size;
    this.#options = { label: 'item', classes, apart };
    this.base = base;
  }

  get count(): number {
    return this.#column?.count ?? this.#count;
  }

  /** What is moved belongs to the last item of a chunk. */
  get full(): boolean {
    if (this.#column !== undefined) return this.#column.full;
    if (this.#count >= this.#size) return true;
    return this.#packer !== undefined && (this.#packer.weight >= CHUNK_BYTES || this.#packer.moves);
  }

  add(value: unknown): void {
    if (this.#packer === undefined) {
      if (typeof value === 'number') return this.#numbers().add(value);
      this.#beginPacking();
    }
    const packer = this.#packer!;
    packer.item(typeof value === 'object' && value !== null ? asArgument(value, this.#refs) : value);
    this.#count += 1;
    let offsets = this.#offsets!;
    if (this.#count === offsets.length) {
      const grown = new Uint32Array(Math.min(this.#count * 4, this.#size + 1));
      grown.set(offsets);
      this.#offsets = offsets = grown;
    }
    offsets[this.#count] = packer.length;
  }

  /** Nothing but numbers have come. */
  get isNumeric(): boolean {
    return this.#packer === undefined;
  }

  /**
   * Takes numbers from a list, from index `from` on, where {@link isNumeric}; where it stopped. There is no room, the list is
   * at its end, or `left` was read there.
   */
  takeNumbers(list: ArrayLike<unknown>, from: number): number {
    if (this.#column === undefined) {
      const first = list[from];
      this.left = first;
      if (typeof first !== 'number') return from;
      this.#numbers().add(first);
      return this.takeNumbers(list, from + 1);
    }
    const at = this.#column.take(list, from);
    this.left = this.#column.left;
    return at;
  }

  finish(): Items {
    if (this.#column !== undefined) {
      return { packed: NO_BYTES, offsets: NO_OFFSETS, column: this.#column.finish() };
    }
    const offsets = this.#offsets!.subarray(0, this.#count + 1);
    return { packed: this.#packer!.finish(), offsets, column: undefined };
  }

  restart(base: number): void {
    this.#column = undefined;
    this.#packer = undefined;
    this.#count = 0;
    this.base = base;
  }

  #numbers(): ColumnFiller {
    this.#column ??= new ColumnFiller(this.#size, this.#shelf);
    return this.#column;
  }

  /** Something came that is no number: what was collected is packed as well. */
  #beginPacking(): void {
    const collected = this.#column?.finish();
    this.#column = undefined;
    this.#packer = new Packer(this.#options);
    this.#offsets = new Uint32Array(Math.min(this.#size, Math.max(64, (collected?.length ?? 0) + 1)) + 1);
    if (collected !== undefined) for (const value of collected) this.add(value);
  }
}

import { asArgument, type ClassShelf, type Keeper, Packer } from '../codec/index.js';
import type { Items } from '../transport/index.js';
import { CHUNK_BYTES } from './chunker.js';

/** The engine that items are packed for. */
export interface PackedFor {
  /** Told of refs among the items. */
  readonly refs: Keeper;
  /** They go to other processes. */
  readonly apart: boolean;
}

/** Packs items one behind the other, until there are enough of them or they are large enough. */
export class ChunkFiller {
  readonly #size: number;
  readonly #refs: Keeper;
  readonly #options: { readonly label: string; readonly classes: ClassShelf; readonly apart: boolean };
  #packer: Packer;
  #offsets: Uint32Array;
  #count = 0;
  base: number;
  /** Since when it is filled, in ms. */
  readonly begunAt = performance.now();

  constructor(size: number, base: number, classes: ClassShelf, engine: PackedFor) {
    const { refs, apart } = engine;
    this.#refs = refs;
    this.#size = size;
    this.#options = { label: 'item', classes, apart };
    this.#packer = new Packer(this.#options);
    this.#offsets = new Uint32Array(Math.min(size, 64) + 1);
    this.base = base;
  }

  get count(): number {
    return this.#count;
  }

  /** What is moved belongs to the last item of a chunk. */
  get full(): boolean {
    return this.#count >= this.#size || this.#packer.weight >= CHUNK_BYTES || this.#packer.moves;
  }

  add(value: unknown): void {
    this.#packer.item(typeof value === 'object' && value !== null ? asArgument(value, this.#refs) : value);
    this.#count += 1;
    if (this.#count === this.#offsets.length) {
      const grown = new Uint32Array(Math.min(this.#count * 4, this.#size + 1));
      grown.set(this.#offsets);
      this.#offsets = grown;
    }
    this.#offsets[this.#count] = this.#packer.length;
  }

  finish(): Items {
    return { packed: this.#packer.finish(), offsets: this.#offsets.subarray(0, this.#count + 1) };
  }

  restart(base: number): void {
    this.#packer = new Packer(this.#options);
    this.#offsets = new Uint32Array(Math.min(this.#size, 64) + 1);
    this.#count = 0;
    this.base = base;
  }
}

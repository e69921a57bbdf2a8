/** The parent's view of a record of results that may still grow; see the worker's `result-batch.ts`. */
import { HEADER_WORDS, load, type Ring } from '../memory/index.js';
import { BATCH_CLOSED, COUNT, INDEX, SLOT } from '../protocol/index.js';

/** Results of consecutive items: `count` entries from the byte `at` on, each a length (4 bytes), bytes, padding to 4. */
export interface Batch {
  readonly bytes: Uint8Array;
  readonly words: Int32Array;
  readonly at: number;
  readonly count: number;
}

/** Where the entry after the one at byte `at` begins. */
export function nextEntry({ words }: Pick<Batch, 'words'>, at: number): number {
  return at + 4 + ((words[at >> 2]! + 3) & ~3);
}

export class BatchReader {
  readonly #ring: Ring;
  #header = -1;
  #taken = 0;
  #at = 0;

  constructor(ring: Ring) {
    this.#ring = ring;
  }

  /** The batch that was looked at last is not closed. */
  get open(): boolean {
    return this.#header >= 0 && load(this.#ring.words, this.#header + COUNT) < BATCH_CLOSED;
  }

  /** Nothing new is in the batch that was looked at last, and it is not closed. */
  get waits(): boolean {
    return this.#header >= 0 && load(this.#ring.words, this.#header + COUNT) === this.#taken;
  }

  /** Hands over what is new in the batch at `header`; true where it is closed and read to its end. */
  read(header: number, use: (slot: number, first: number, batch: Batch) => void): boolean {
    const { words, bytes } = this.#ring;
    if (this.#header !== header) {
      this.#header = header;
      this.#taken = 0;
      this.#at = (header + HEADER_WORDS) * 4;
    }
    const state = load(words, header + COUNT);
    const count = state & (BATCH_CLOSED - 1);
    if (count > this.#taken) {
      const batch = { bytes, words, at: this.#at, count: count - this.#taken };
      const first = words[header + INDEX]! + this.#taken;
      for (let i = this.#taken; i < count; i++) this.#at = nextEntry(this.#ring, this.#at);
      this.#taken = count;
      use(words[header + SLOT]!, first, batch);
    }
    if (state < BATCH_CLOSED) return false;
    this.#header = -1;
    return true;
  }
}

/** The parent's view of a record of results that may still grow; see the worker's `result-batch.ts`. */
import { HEADER_WORDS, load, type Ring } from '../memory/index.js';
import {
  BATCH_CLOSED,
  BrokenProtocol,
  COUNT,
  INDEX,
  KIND,
  LENGTH,
  RECORD_TIMED_BATCH,
  SLOT,
} from '../protocol/index.js';

/**
 * Results of consecutive items: `count` entries from the byte `at` on, each a length (4 bytes), in timed ones how long it
 * ran (a float of 4 bytes, ms), its bytes, padding to 4.
 */
export interface Batch {
  readonly bytes: Uint8Array;
  readonly words: Int32Array;
  readonly floats: Float32Array;
  readonly at: number;
  readonly count: number;
  readonly timed: boolean;
  /** When the first of its items began, in ms; 0 where not timed. An item begins when the one before it is over. */
  since: number;
}

/** Calls `use` for each entry: where its bytes begin and end, and how long the item ran, in ms (0 where not timed). */
export function forEntries(batch: Batch, use: (from: number, to: number, ran: number) => void): void {
  const { words, floats, timed } = batch;
  let { at } = batch;
  for (let i = 0; i < batch.count; i++) {
    const from = entryBytes(batch, at);
    use(from, from + words[at >> 2]!, timed ? floats[(at >> 2) + 1]! : 0);
    at = nextEntry(batch, at);
  }
}

/** Where the bytes of the entry at byte `at` begin. */
function entryBytes({ timed }: Pick<Batch, 'timed'>, at: number): number {
  return timed ? at + 8 : at + 4;
}

/** Where the entry after the one at byte `at` begins. */
function nextEntry(batch: Pick<Batch, 'words' | 'timed'>, at: number): number {
  return entryBytes(batch, at) + ((batch.words[at >> 2]! + 3) & ~3);
}

/** `count` of its entries, after the first `skip`. */
export function skipEntries(batch: Batch, skip: number, count: number): Batch {
  let { at, since } = batch;
  for (let i = 0; i < skip; i++) {
    if (batch.timed) since += batch.floats[(at >> 2) + 1]!;
    at = nextEntry(batch, at);
  }
  return { ...batch, at, since, count };
}

export class BatchReader {
  readonly #ring: Ring;
  #header = -1;
  #taken = 0;
  #at = 0;
  #timed = false;
  #since = 0;

  readonly #checked: boolean;
  /** Where the record ends, in bytes. */
  #end = 0;

  /** `checked`: the worker is not to be trusted to count well. */
  constructor(ring: Ring, checked = false) {
    this.#ring = ring;
    this.#checked = checked;
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
    const { words, doubles } = this.#ring;
    if (this.#header !== header) this.#begin(header);
    const state = load(words, header + COUNT);
    const count = state & (BATCH_CLOSED - 1);
    if (count > this.#taken) {
      if (this.#timed && this.#taken === 0) this.#since = doubles[(header + HEADER_WORDS) >> 1]!;
      const { bytes, floats } = this.#ring;
      const fresh = count - this.#taken;
      const timed = this.#timed;
      const batch = { bytes, words, floats, at: this.#at, count: fresh, timed, since: this.#since };
      const first = words[header + INDEX]! + this.#taken;
      for (let i = 0; i < fresh; i++) {
        if (timed) this.#since += floats[(this.#at >> 2) + 1]!;
        this.#at = nextEntry(batch, this.#at);
        if (this.#checked) this.#check(batch.at);
      }
      this.#taken = count;
      use(words[header + SLOT]!, first, batch);
    }
    if (state < BATCH_CLOSED) return false;
    this.#header = -1;
    return true;
  }

  #check(from: number): void {
    if (this.#at > from && this.#at <= this.#end) return;
    throw new BrokenProtocol('a worker sent a result that does not end where it has to');
  }

  #begin(header: number): void {
    this.#header = header;
    this.#taken = 0;
    this.#end = (header + HEADER_WORDS) * 4 + this.#ring.words[header + LENGTH]!;
    this.#timed = this.#ring.words[header + KIND] === RECORD_TIMED_BATCH;
    this.#at = (header + HEADER_WORDS) * 4 + (this.#timed ? 8 : 0);
    this.#since = 0;
  }
}

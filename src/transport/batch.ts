/** The parent's view of records of results that may still grow; see the worker's `result-batch.ts` and `result-column.ts`. */
import { HEADER_WORDS, load, type Ring, type Segment } from '../memory/index.js';
import {
  BATCH_CLOSED,
  BrokenProtocol,
  COUNT,
  FIRST_DOUBLE,
  INDEX,
  KIND,
  LENGTH,
  RECORD_COLUMN,
  RECORD_TIMED_BATCH,
  SLOT,
} from '../protocol/index.js';

export type Batch = Entries | Column;

/**
 * Results of consecutive items: `count` entries from the byte `at` on, each a length (4 bytes), in timed ones how long it
 * ran (a float of 4 bytes, ms), its bytes, padding to 4.
 */
export interface Entries {
  readonly kind: 'entries';
  readonly bytes: Uint8Array;
  readonly words: Int32Array;
  readonly floats: Float32Array;
  readonly at: number;
  readonly count: number;
  readonly timed: boolean;
  /** When the first of its items began, in ms; 0 where not timed. An item begins when the one before it is over. */
  since: number;
}

/** Results of consecutive items that are numbers, or nothing. */
export interface Column {
  readonly kind: 'column';
  readonly count: number;
  /** Undefined where all are `undefined`. */
  readonly numbers: Float64Array | undefined;
  /** All of the numbers are integers of 32 bits, none of them -0. */
  readonly integers: boolean;
}

/** Calls `use` for each entry: where its bytes begin and end, and how long the item ran, in ms (0 where not timed). */
export function forEntries(batch: Entries, use: (from: number, to: number, ran: number) => void): void {
  const { words, floats, timed } = batch;
  let { at } = batch;
  for (let i = 0; i < batch.count; i++) {
    const from = entryBytes(batch, at);
    use(from, from + words[at >> 2]!, timed ? floats[(at >> 2) + 1]! : 0);
    at = nextEntry(batch, at);
  }
}

/** Where the bytes of the entry at byte `at` begin. */
function entryBytes({ timed }: Pick<Entries, 'timed'>, at: number): number {
  return timed ? at + 8 : at + 4;
}

/** Where the entry after the one at byte `at` begins. */
function nextEntry(batch: Pick<Entries, 'words' | 'timed'>, at: number): number {
  return entryBytes(batch, at) + ((batch.words[at >> 2]! + 3) & ~3);
}

/** `count` of its results, after the first `skip`. */
export function partOf(batch: Batch, skip: number, count: number): Batch {
  if (batch.kind === 'column') {
    return { ...batch, count, numbers: batch.numbers?.subarray(skip, skip + count) };
  }
  let { at, since } = batch;
  for (let i = 0; i < skip; i++) {
    if (batch.timed) since += batch.floats[(at >> 2) + 1]!;
    at = nextEntry(batch, at);
  }
  return { ...batch, at, since, count };
}

export class BatchReader {
  readonly #ring: Ring;
  readonly #segment: Pick<Segment, 'started'>;
  readonly #checked: boolean;
  #header = -1;
  #taken = 0;
  #isColumn = false;
  /** Where the next of its entries begins, and where the record ends, in bytes. */
  #at = 0;
  #end = 0;
  #timed = false;
  #since = 0;

  /** `checked`: the worker is not to be trusted to count well. */
  constructor(ring: Ring, segment: Pick<Segment, 'started'>, checked = false) {
    this.#ring = ring;
    this.#segment = segment;
    this.#checked = checked;
  }

  /** The batch that was looked at last is not closed. */
  get open(): boolean {
    return this.#header >= 0 && this.#state() < BATCH_CLOSED;
  }

  /** Nothing new is in the batch that was looked at last, and it is not closed. */
  get waits(): boolean {
    return this.#header >= 0 && this.#state() === this.#taken;
  }

  /** Hands over what is new in the batch at `header`; true where it is closed and read to its end. */
  read(header: number, use: (slot: number, first: number, batch: Batch) => void): boolean {
    const { words } = this.#ring;
    if (this.#header !== header) this.#begin(header);
    const state = this.#state();
    const count = state & (BATCH_CLOSED - 1);
    if (count > this.#taken) {
      const first = words[header + INDEX]! + this.#taken;
      const batch = this.#isColumn ? this.#column(count) : this.#entries(count - this.#taken);
      this.#taken = count;
      use(words[header + SLOT]!, first, batch);
    }
    if (state < BATCH_CLOSED) return false;
    this.#header = -1;
    return true;
  }

  /** COUNT, or what it would be for a column that is open. */
  #state(): number {
    const { words } = this.#ring;
    const header = this.#header;
    if (!this.#isColumn) return load(words, header + COUNT);
    // Of the items that have begun all but the last are over. In this order: where the column is open still, the
    // claims that were seen before are those of items whose results are in it.
    const over = this.#segment.started(words[header + SLOT]!) - 1;
    const state = load(words, header + COUNT);
    return state >= BATCH_CLOSED ? state : over - words[header + INDEX]!;
  }

  #check(from: number, to: number): void {
    if (to > from && to <= this.#end) return;
    throw new BrokenProtocol('a worker sent a result that does not end where it has to');
  }

  #begin(header: number): void {
    const kind = this.#ring.words[header + KIND];
    this.#header = header;
    this.#taken = 0;
    this.#isColumn = kind === RECORD_COLUMN;
    this.#timed = kind === RECORD_TIMED_BATCH;
    this.#end = (header + HEADER_WORDS) * 4 + this.#ring.words[header + LENGTH]!;
    this.#at = (header + HEADER_WORDS) * 4 + (this.#timed ? 8 : 0);
    this.#since = 0;
  }

  #entries(fresh: number): Entries {
    const { bytes, words, floats, doubles } = this.#ring;
    const timed = this.#timed;
    if (timed && this.#taken === 0) this.#since = doubles[(this.#header + HEADER_WORDS) >> 1]!;
    const at = this.#at;
    const batch: Entries = {
      kind: 'entries',
      bytes,
      words,
      floats,
      at,
      count: fresh,
      timed,
      since: this.#since,
    };
    for (let i = 0; i < fresh; i++) {
      if (timed) this.#since += floats[(this.#at >> 2) + 1]!;
      const from = this.#at;
      this.#at = nextEntry(batch, from);
      if (this.#checked) this.#check(from, this.#at);
    }
    return batch;
  }

  /** What is new where there are `count` results. */
  #column(count: number): Column {
    const { words, doubles } = this.#ring;
    const header = this.#header;
    const start = (header + HEADER_WORDS) >> 1;
    const [from, to] = [start + this.#taken, start + count];
    const isEmpty = words[header + LENGTH] === 0;
    if (this.#checked && !isEmpty) this.#check(from * 8, to * 8);
    const numbers = isEmpty ? undefined : doubles.subarray(from, to);
    const integers = load(words, header + FIRST_DOUBLE) >= count;
    return { kind: 'column', count: count - this.#taken, numbers, integers };
  }
}

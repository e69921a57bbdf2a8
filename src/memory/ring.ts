/**
 * A single-producer single-consumer queue of byte records in shared memory (Lamport's ring, 1983; laid out
 * like io_uring's queues: one word each side, each with one writer). See README.md for the proof sketch.
 */
import { load, store, waitWhile, wake } from './atomics.js';

/** Words of a record's header; the payload follows. */
export const HEADER_WORDS = 8;
const HEADER_BYTES = HEADER_WORDS * 4;
const UNIT = 8;
/** In the size word of a record: the rest of the buffer up to its end is unused. */
export const SKIP = -1;

/** The views both sides hold on one ring. Positions count units of 8 bytes and wrap at 2^32. */
export class Ring {
  readonly words: Int32Array;
  readonly doubles: Float64Array;
  readonly floats: Float32Array;
  readonly bytes: Uint8Array;
  readonly units: number;
  readonly mask: number;
  readonly control: Int32Array;
  /** Word index of the position up to which records are published; written by the producer only. */
  readonly head: number;
  /** Word index of the position up to which records are consumed; written by the consumer only. */
  readonly tail: number;
  /** Word index of a flag: 1 while the producer waits for room; written by the producer only. */
  readonly waiting: number;

  constructor(control: Int32Array, head: number, tail: number, data: ArrayBufferLike) {
    this.words = new Int32Array(data);
    this.doubles = new Float64Array(data);
    this.floats = new Float32Array(data);
    this.bytes = new Uint8Array(data);
    this.units = data.byteLength / UNIT;
    if ((this.units & (this.units - 1)) !== 0) throw new RangeError('a ring holds a power of two of bytes');
    this.mask = this.units - 1;
    this.control = control;
    this.head = head;
    this.tail = tail;
    // Beside the head, whose cache line the consumer reads anyway.
    this.waiting = head + 1;
  }

  /** The largest payload that may enter the ring; larger ones go beside it. */
  get largest(): number {
    return (this.units * UNIT) / 4 - HEADER_BYTES;
  }
}

/** The producing side. */
export class RingWriter {
  readonly ring: Ring;
  #head: number;
  #tail: number;

  constructor(ring: Ring) {
    this.ring = ring;
    this.#head = load(ring.control, ring.head);
    this.#tail = load(ring.control, ring.tail);
  }

  /**
   * Reserves a record and returns the word index of its header, or -1 where there is no room now. The caller
   * fills words 1–7 and the payload (at header + 8 words), then calls {@link publish}.
   */
  tryReserve(payload: number): number {
    const { ring } = this;
    const size = (HEADER_BYTES + payload + UNIT - 1) >> 3;
    let at = this.#head & ring.mask;
    const toEnd = ring.units - at;
    const need = size <= toEnd ? size : toEnd + size;
    if (!this.#hasRoom(need)) return -1;
    if (size > toEnd) {
      ring.words[at << 1] = SKIP;
      this.#head = (this.#head + toEnd) | 0;
      at = 0;
    }
    ring.words[at << 1] = size;
    this.#head = (this.#head + size) | 0;
    return at << 1;
  }

  /** What a record holds may grow after it was published. */
  get grows(): boolean {
    return true;
  }

  /** What was published is not to be lost with this process: only where it is sent there is something to do. */
  flush(): void {}

  /** Makes all reserved records visible to the consumer. */
  publish(): void {
    store(this.ring.control, this.ring.head, this.#head);
  }

  /** Blocks until the consumer has moved on, or `timeoutMs` have passed. For workers only. */
  waitForRoom(timeoutMs: number): void {
    const { control, tail, waiting } = this.ring;
    // Mine, then the other's: the consumer stores its tail and then reads the flag, so one of us sees the other.
    store(control, waiting, 1);
    if (load(control, tail) === this.#tail) waitWhile(control, tail, this.#tail, timeoutMs);
    store(control, waiting, 0);
    this.#tail = load(control, tail);
  }

  /** Says whether this side waits for room, where it cannot block: whoever makes some has to tell it. */
  announceWait(waits: boolean): void {
    store(this.ring.control, this.ring.waiting, waits ? 1 : 0);
  }

  #hasRoom(need: number): boolean {
    if (this.ring.units - ((this.#head - this.#tail) | 0) >= need) return true;
    this.#tail = load(this.ring.control, this.ring.tail);
    return this.ring.units - ((this.#head - this.#tail) | 0) >= need;
  }
}

/** What a producer has written is no ring. */
export class BrokenRing extends Error {}

/** The consuming side. */
export class RingReader {
  readonly ring: Ring;
  #tail: number;
  readonly #checked: boolean;

  /** `checked`: the producer is not to be trusted with more than its own words: see {@link next}. */
  constructor(ring: Ring, checked = false) {
    this.ring = ring;
    this.#tail = load(ring.control, ring.tail);
    this.#checked = checked;
  }

  get empty(): boolean {
    return this.published === this.#tail;
  }

  /** The position up to which records are published now. */
  get published(): number {
    return load(this.ring.control, this.ring.head);
  }

  /** The position of the next record; between records, it passes every position that was {@link published}. */
  get position(): number {
    return this.#tail;
  }

  /** The producer waits for room. */
  get awaited(): boolean {
    return load(this.ring.control, this.ring.waiting) === 1;
  }

  /**
   * The word index of the next record's header, or -1 where the ring is empty. Call {@link release} after use.
   * @throws BrokenRing, of a checked ring: there is no whole record where one has to be
   */
  next(): number {
    const { ring } = this;
    for (;;) {
      const head = load(ring.control, ring.head);
      if (head === this.#tail) return -1;
      const at = this.#tail & ring.mask;
      const size = ring.words[at << 1]!;
      if (this.#checked) this.#check(at, size, (head - this.#tail) | 0);
      if (size !== SKIP) return at << 1;
      this.#tail = (this.#tail + ring.units - at) | 0;
    }
  }

  #check(at: number, size: number, published: number): void {
    const { ring } = this;
    const left = ring.units - at;
    const fits = size === SKIP ? at > 0 && left <= published : size >= HEADER_WORDS / 2 && size <= left;
    if (published < 0 || published > ring.units || !fits || (size !== SKIP && size > published)) {
      throw new BrokenRing(`a record of ${size} units at ${at}, where ${published} are published`);
    }
  }

  /** Gives the record at `header` back to the producer. */
  release(header: number): void {
    const { ring } = this;
    this.#tail = (this.#tail + ring.words[header]!) | 0;
    store(ring.control, ring.tail, this.#tail);
    if (load(ring.control, ring.waiting) === 1) wake(ring.control, ring.tail);
  }
}

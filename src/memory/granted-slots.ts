/**
 * The slots of a worker whose memory is mirrored: items begin only where the parent has granted them, and the parent is told of
 * each before it begins. Shared by the worker's main thread, which claims, and its reader, which opens, grants and closes.
 */
import { load, store, waitWhile, wake } from './atomics.js';
import { CLOSED, type FarBells, type MappedSegment, Segment, SLOTS } from './segment.js';

/** From {@link GrantedSegment.claim}: the next item may not begin yet. */
export const NOT_YET = -1;

/** To write a few bytes takes less, in ms. */
const BLOCKED = 0.5;

/** Tells the parent. */
export interface ClaimOutlet {
  began(slot: number, item: number, time: number, stamped: boolean): void;
  wants(slot: number, item: number): void;
  over(slot: number): void;
  /** Sends what has been said before. */
  flush(): void;
}

export class GrantedSegment extends Segment {
  readonly #grants: Int32Array;
  readonly #outlet: ClaimOutlet | undefined;
  /** When the item that is claimed next begins; 0 where nobody asks. */
  #marked = 0;

  /** `grants`: how many items of each slot may begin; written by the reader. `outlet`: for the main thread. */
  constructor(buffers: MappedSegment, grants: SharedArrayBuffer, outlet?: ClaimOutlet, bells?: FarBells) {
    super(buffers, bells);
    this.#grants = new Int32Array(grants, 0, SLOTS);
    this.#outlet = outlet;
  }

  override claim(slot: number): number {
    const marked = this.#marked;
    this.#marked = 0;
    const next = this.claimed(slot);
    if (next < CLOSED && next >= load(this.#grants, slot)) {
      this.#outlet?.wants(slot, next);
      return NOT_YET;
    }
    const began = marked === 0 ? performance.now() : this.#restamped(marked);
    const item = super.claim(slot);
    if (item < CLOSED) this.#outlet?.began(slot, item, began, marked !== 0);
    return item;
  }

  /** The result of the item before goes first, where the start is to be exact: it may have to wait for a busy parent. */
  #restamped(marked: number): number {
    const before = performance.now();
    this.#outlet?.flush();
    const now = performance.now();
    return now - before > BLOCKED ? now : marked;
  }

  /** The next claim has an answer other than {@link NOT_YET}. */
  override mayClaim(slot: number): boolean {
    const next = this.claimed(slot);
    return next >= CLOSED || next < load(this.#grants, slot);
  }

  /** Blocks until {@link mayClaim}, or `timeoutMs` have passed; which it was. */
  override waitToClaim(slot: number, timeoutMs: number): boolean {
    const until = performance.now() + timeoutMs;
    for (let left = timeoutMs; left > 0; left = until - performance.now()) {
      const seen = load(this.#grants, slot);
      if (this.mayClaim(slot)) return true;
      waitWhile(this.#grants, slot, seen, left);
    }
    return this.mayClaim(slot);
  }

  override markStart(slot: number, now: number): void {
    super.markStart(slot, now);
    this.#marked = now;
  }

  override markOver(slot: number): void {
    super.markOver(slot);
    this.#outlet?.over(slot);
  }

  // ---- the reader -------------------------------------------------------------------------------------------

  override openSlot(slot: number): void {
    super.openSlot(slot);
    store(this.#grants, slot, 0);
  }

  grant(slot: number, items: number): void {
    store(this.#grants, slot, items);
    wake(this.#grants, slot);
  }

  override close(slot: number): number {
    const before = super.close(slot);
    wake(this.#grants, slot);
    return before;
  }
}

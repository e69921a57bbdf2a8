/**
 * The parent's copy of the slots of a worker whose memory is mirrored. The claim word says how many items the worker has told to
 * have begun; what is taken back is what was not granted.
 */
import { CLOSED, type MappedSegment, Segment, SLOTS } from '../memory/index.js';
import type { Grants } from './grants.js';

/** Tells the worker. */
export interface SlotOutlet {
  open(slot: number, number: number): void;
  close(slot: number): void;
  cancel(slot: number, item: number): void;
}

export class GrantingSegment extends Segment {
  readonly #grants: Grants;
  readonly #outlet: SlotOutlet;
  /** What each slot was opened for: a number of its own. */
  readonly #numbers = new Int32Array(SLOTS);
  #opened = 0;

  constructor(buffers: MappedSegment, grants: Grants, outlet: SlotOutlet) {
    super(buffers, { wakeWorker: () => {}, wakeParent: () => this.parentBell.heard() });
    this.#grants = grants;
    this.#outlet = outlet;
  }

  override openSlot(slot: number): void {
    super.openSlot(slot);
    this.#opened = (this.#opened + 1) | 0;
    this.#numbers[slot] = this.#opened;
    this.#outlet.open(slot, this.#opened);
  }

  /** What was granted may begin, unless the worker hears in time that the slot is closed. */
  override close(slot: number): number {
    const before = super.close(slot);
    if (before >= CLOSED) return before;
    this.#outlet.close(slot);
    return this.#grants.close(slot);
  }

  /** The worker has closed the slot; whether what it says is of the job that is there now. */
  returned(slot: number, begun: number, number: number): boolean {
    if (this.#numbers[slot] !== number) return false;
    this.#grants.returned(slot, begun);
    return true;
  }

  override requestCancel(slot: number, item: number): void {
    this.#outlet.cancel(slot, item);
  }

  /** @throws BrokenProtocol, where the item may not begin; `at`: in ms of the worker's clock */
  began(slot: number, item: number, at: number, stamped: boolean): void {
    this.#grants.began(slot, item, at);
    if (stamped) this.markStart(slot, at);
    this.claim(slot);
  }
}

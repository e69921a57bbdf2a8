/**
 * Results of items that follow each other in one job share one record, which grows: it is published empty, with room,
 * and each result counts in it as soon as its bytes are there. So a result is seen (and outlives this worker) before
 * the next item starts, as if it had a record of its own, at a fraction of the price.
 *
 *   COUNT   how many results are in it, | BATCH_CLOSED once none follows; written here, read by the parent
 *   entry   length (4 bytes), bytes, up to the next multiple of 4
 *
 * An open batch is the last thing in the ring: whatever else is sent closes it first. Of a worker that dies the parent
 * reads what counts.
 */
import type { Packer } from '../codec/index.js';
import { HEADER_WORDS, load, store } from '../memory/index.js';
import {
  BATCH_CLOSED,
  COUNT,
  type Link,
  RECORD_BATCH,
  type ToParent,
  type ToWorker,
} from '../protocol/index.js';

/** Room of a batch in bytes. */
const ROOM = 8192;

export class ResultBatch {
  readonly #link: Link<ToParent, ToWorker>;
  /** Waits until the parent has made room, then reserves. */
  readonly #reserve: (head: { kind: number; slot: number; index: number }, size: number) => number;
  /** Word index of the open batch's header, or -1. */
  #at = -1;
  #slot = -1;
  #next = 0;
  #word = 0;
  #end = 0;

  constructor(
    link: Link<ToParent, ToWorker>,
    reserve: (head: { kind: number; slot: number; index: number }, size: number) => number,
  ) {
    this.#link = link;
    this.#reserve = reserve;
  }

  /** Adds what the packer holds as the result of an item; false where it is too large for a batch. */
  tryAdd(slot: number, item: number, packer: Packer): boolean {
    const { length } = packer;
    const words = 1 + ((length + 3) >> 2);
    if (words * 4 > ROOM) return false;
    if (this.#at < 0 || slot !== this.#slot || item !== this.#next || this.#word + words > this.#end) {
      this.#open(slot, item);
    }
    const { ring } = this.#link.writer;
    ring.words[this.#word] = length;
    packer.copyTo(ring.bytes, (this.#word + 1) * 4);
    this.#word += words;
    this.#next += 1;
    store(ring.words, this.#at + COUNT, load(ring.words, this.#at + COUNT) + 1);
    this.#link.parts.peer.ringSoftly();
    return true;
  }

  close(): void {
    if (this.#at < 0) return;
    const { words } = this.#link.writer.ring;
    store(words, this.#at + COUNT, load(words, this.#at + COUNT) | BATCH_CLOSED);
    this.#at = -1;
    // What comes next rings; until then the parent has no use for the mark.
  }

  #open(slot: number, item: number): void {
    this.close();
    const at = this.#reserve({ kind: RECORD_BATCH, slot, index: item }, ROOM);
    const { words } = this.#link.writer.ring;
    words[at + COUNT] = 0;
    this.#link.writer.publish();
    this.#at = at;
    this.#slot = slot;
    this.#next = item;
    this.#word = at + HEADER_WORDS;
    this.#end = at + HEADER_WORDS + ROOM / 4;
  }
}

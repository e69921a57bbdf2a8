/**
 * Results of items that follow each other in one job share one record, which grows: it is published empty, with room,
 * and each result counts in it as soon as its bytes are there. So a result is seen (and outlives this worker) before
 * the next item starts, as if it had a record of its own, at a fraction of the price.
 *
 *   COUNT   how many results are in it, | BATCH_CLOSED once none follows; written here, read by the parent
 *   since   in timed batches: when the first item began, in ms of this worker's clock (8 bytes)
 *   entry   length (4 bytes), in timed batches how long it ran (float, ms), bytes, up to the next multiple of 4
 *
 * An open batch is the last thing in the ring: whatever else is sent closes it first. Of a worker that dies the parent
 * reads what counts. Where memory is mirrored, a record has one entry, and is closed before it is published.
 */
import type { Packer } from '../codec/index.js';
import { HEADER_WORDS, load, store } from '../memory/index.js';
import {
  BATCH_CLOSED,
  COUNT,
  type ItemTimes,
  type Link,
  RECORD_BATCH,
  RECORD_TIMED_BATCH,
  type ToParent,
  type ToWorker,
} from '../protocol/index.js';
import type { Manner } from './job-run.js';

/** Most bytes of a batch. */
const ROOM = 8192;

export class ResultBatch {
  readonly #link: Link<ToParent, ToWorker>;
  /** Waits until the parent has made room, then reserves. */
  readonly #reserve: (head: { kind: number; slot: number; index: number }, size: number) => number;
  /** Word index of the open batch's header, or -1. */
  #at = -1;
  #slot = -1;
  #next = 0;
  #timed = false;
  /** When the last item was over, where times are kept: in a batch each begins when the one before is over. */
  #over = 0;
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
  tryAdd(slot: number, item: number, packer: Packer, { left, times, quiet }: Manner): boolean {
    const { length } = packer;
    const head = times === undefined ? 1 : 2;
    const words = head + ((length + 3) >> 2);
    if (words * 4 > ROOM) return false;
    const fits = this.#word + words <= this.#end && this.#timed === (times !== undefined);
    const follows = times === undefined || times.began === this.#over;
    if (this.#at < 0 || slot !== this.#slot || item !== this.#next || !fits || !follows) {
      const most = this.#link.writer.grows ? words * 4 * left : words * 4;
      this.#open(slot, item, Math.min(ROOM, most), times);
    }
    const { ring } = this.#link.writer;
    ring.words[this.#word] = length;
    if (times !== undefined) {
      ring.floats[this.#word + 1] = times.over - times.began;
      this.#over = times.over;
    }
    packer.copyTo(ring.bytes, (this.#word + head) * 4);
    this.#word += words;
    this.#next += 1;
    store(ring.words, this.#at + COUNT, load(ring.words, this.#at + COUNT) + 1);
    if (!this.#link.writer.grows) {
      this.close();
      this.#link.writer.publish();
    }
    if (!quiet) this.#link.parts.peer.ringSoftly();
    return true;
  }

  close(): void {
    if (this.#at < 0) return;
    const { words } = this.#link.writer.ring;
    store(words, this.#at + COUNT, load(words, this.#at + COUNT) | BATCH_CLOSED);
    this.#at = -1;
    // What comes next rings; until then the parent has no use for the mark.
  }

  #open(slot: number, item: number, room: number, times: ItemTimes | undefined): void {
    this.close();
    this.#timed = times !== undefined;
    const head = times === undefined ? 0 : 2;
    const kind = times === undefined ? RECORD_BATCH : RECORD_TIMED_BATCH;
    const at = this.#reserve({ kind, slot, index: item }, room + head * 4);
    const { words, doubles } = this.#link.writer.ring;
    words[at + COUNT] = 0;
    if (times !== undefined) doubles[(at + HEADER_WORDS) >> 1] = times.began;
    if (this.#link.writer.grows) this.#link.writer.publish();
    this.#at = at;
    this.#slot = slot;
    this.#next = item;
    this.#word = at + HEADER_WORDS + head;
    this.#end = this.#word + room / 4;
  }
}

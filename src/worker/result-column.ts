/**
 * Results that are numbers, of items that follow each other in one job, share one record: doubles, one behind the other.
 * Nothing is written there to say that one more has come: the claim of the next item says so, which is made for
 * every item anyway. So a result is seen (and outlives this worker) before the next item starts, at the price of the number.
 *
 *   COUNT         0 while it is open: then it holds the results of all items from INDEX on that are over; once closed
 *                 how many it holds, | BATCH_CLOSED. Written here, read by the parent
 *   FIRST_DOUBLE  place of the first number that is no 32-bit integer: written here before the claim that lets it be seen
 *
 * Results that are `undefined` take no room at all. An open column is the last thing in the ring, as an open batch is
 * (`result-batch.ts`): whatever else is sent closes it first, so all results of a job after its first are in it.
 */
import { HEADER_WORDS, store } from '../memory/index.js';
import {
  ALL_INTEGERS,
  BATCH_CLOSED,
  COUNT,
  FIRST_DOUBLE,
  type Link,
  RECORD_COLUMN,
  type RecordHead,
  type ToParent,
  type ToWorker,
} from '../protocol/index.js';
import { isInt32 } from '../util/is-int32.js';

/** Numbers that a column has room for: the first few, then more each time they have come. */
const LEAST = 256;
const MOST = 8192;
const GROWTH = 4;
/** Columns that end with fewer, because something else has to be sent, are not worth their room. */
const FEW = 16;
/** So many results go into batches after one of those. */
const PAUSE = 64;

export class ResultColumn {
  readonly #link: Link<ToParent, ToWorker>;
  /** Waits until the parent has made room, then reserves. */
  readonly #reserve: (head: RecordHead, size: number) => number;
  readonly #doubles: Float64Array;
  /** Word index of the open column's header, or -1. */
  #at = -1;
  #slot = -1;
  /** The item whose result comes next. */
  #next = 0;
  /** Places of the next number and behind the last; there is no room in a column of nothing. */
  #place = 0;
  #end = 0;
  /** It is a column of nothing. */
  #empty = false;
  #first = 0;
  #integers = true;
  #room = LEAST;
  /** Results that are to go elsewhere. */
  #pause = 0;

  constructor(link: Link<ToParent, ToWorker>, reserve: (head: RecordHead, size: number) => number) {
    this.#link = link;
    this.#reserve = reserve;
    this.#doubles = link.writer.ring.doubles;
  }

  /**
   * Adds a number, or nothing, as the result of an item; false where it is to be sent by itself. It counts once the
   * next item of the job is claimed, which has to be the next thing to happen. `left`: items to come, with this one.
   */
  tryAdd(slot: number, item: number, value: number | undefined, left: number): boolean {
    if (value === undefined) return this.#tryAddNothing(slot, item);
    if (slot !== this.#slot || item !== this.#next || this.#place >= this.#end) {
      if (!this.#tryOpen(slot, item, Math.min(this.#room, left))) return false;
    }
    if (this.#integers && !isInt32(value)) this.#endIntegers();
    this.#doubles[this.#place] = value;
    this.#place += 1;
    this.#next = item + 1;
    return true;
  }

  close(): void {
    if (this.#at < 0) return;
    const count = this.#next - this.#first;
    if (this.#place === this.#end) {
      if (!this.#empty) this.#room = Math.min(MOST, this.#room * GROWTH);
    } else if (count < FEW) {
      this.#pause = PAUSE;
      this.#room = LEAST;
    }
    store(this.#link.writer.ring.words, this.#at + COUNT, count | BATCH_CLOSED);
    this.#at = -1;
    this.#slot = -1;
  }

  #tryAddNothing(slot: number, item: number): boolean {
    if (slot !== this.#slot || item !== this.#next || !this.#empty) {
      if (!this.#tryOpen(slot, item, 0)) return false;
    }
    this.#next = item + 1;
    return true;
  }

  #tryOpen(slot: number, item: number, room: number): boolean {
    this.close();
    if (this.#pause > 0) {
      this.#pause -= 1;
      return false;
    }
    const at = this.#reserve({ kind: RECORD_COLUMN, slot, index: item }, room * 8);
    const { words } = this.#link.writer.ring;
    words[at + COUNT] = 0;
    words[at + FIRST_DOUBLE] = ALL_INTEGERS;
    this.#link.writer.publish();
    this.#at = at;
    this.#slot = slot;
    this.#first = item;
    this.#next = item;
    this.#place = (at + HEADER_WORDS) >> 1;
    this.#end = this.#place + room;
    this.#empty = room === 0;
    this.#integers = true;
    return true;
  }

  #endIntegers(): void {
    this.#integers = false;
    store(this.#link.writer.ring.words, this.#at + FIRST_DOUBLE, this.#next - this.#first);
  }
}

/** What workers over rings have in common, in memory that is shared or mirrored: jobs, slots and clocks. */
import { types } from 'node:util';
import type { AssetStore } from '../codec/index.js';
import { EngineError } from '../errors.js';
import type { Segment } from '../memory/index.js';
import {
  JOB_DOUBLES,
  type JobHead,
  Link,
  type LinkParts,
  PROTOCOL_VERSION,
  RECORD_COLUMN_JOB,
  RECORD_JOB,
  type RecordHead,
  RingPort,
  type ToParent,
  type ToWorker,
  type WirePacked,
  writeJobHead,
} from '../protocol/index.js';
import { clockOrigin } from '../util/clock.js';
import { Inbox } from './inbox.js';
import {
  type ExitReason,
  type Items,
  isMoved,
  partsOf,
  type WorkerEvents,
  type WorkerHandle,
} from './transport.js';

export abstract class SegmentHandle implements WorkerHandle {
  readonly #segment: Segment;
  protected readonly events: WorkerEvents;
  protected readonly link: Link<ToWorker, ToParent>;
  protected readonly inbox: Inbox;
  /** What ended it, where that is known. */
  protected error: unknown;
  protected exited = false;
  #clockOffset = 0;

  constructor(segment: Segment, parts: LinkParts, events: WorkerEvents, assets: AssetStore, trusted = true) {
    this.#segment = segment;
    this.events = events;
    this.link = new Link<ToWorker, ToParent>(parts, (message) => this.inbox.handle(message));
    const ready = (version: number, clock: number): void => this.#onReady(version, clock);
    const faults = {
      died: (error: WirePacked): void => this.onDied(error),
      broken: (error: Error): void => this.onBroken(error),
      output: (stream: number, bytes: Uint8Array): void => this.onOutput(stream, bytes),
    };
    this.inbox = new Inbox(this.link, segment, events, assets, ready, trusted ? undefined : faults);
  }

  abstract terminate(): void;

  /** Of a worker that is not trusted: an error that nobody catches is about to end it. */
  protected onDied(_error: WirePacked): void {}

  /** Of a worker that is not trusted: it has printed something. */
  protected onOutput(_stream: number, _bytes: Uint8Array): void {}

  /** Of a worker that is not trusted: it has sent what no worker sends. */
  protected onBroken(error: Error): void {
    throw error;
  }

  #onReady(version: number, clock: number): void {
    if (version !== PROTOCOL_VERSION) {
      this.error = new EngineError(`the worker speaks version ${version}, this pool ${PROTOCOL_VERSION}`);
      this.terminate();
      return;
    }
    this.#clockOffset = clock - clockOrigin();
    this.events.ready();
  }

  /** It is gone: takes all that it left; false where that was told before. */
  protected drainAll(): boolean {
    if (this.exited) return false;
    this.inbox.drainAll();
    this.exited = true;
    return true;
  }

  protected tellExit(reason: ExitReason): void {
    this.events.exit(reason);
  }

  send(message: ToWorker, transfer?: readonly unknown[]): void {
    if (!this.exited) this.link.send(message, transfer);
  }

  tryPost(slot: number, head: JobHead, items: Items, from: number): boolean {
    const { packed, offsets, column } = items;
    if (column !== undefined) return this.#tryPostColumn(slot, head, items, from);
    const start = offsets[from]!;
    const length = offsets[from + head.count]! - start;
    const table = ((head.count + 2) >> 1) * 8;
    const size = JOB_DOUBLES * 8 + table + length;
    const { ring } = this.link.writer;
    if (packed.extras.length > 0 || size > ring.largest || this.link.backlog) {
      this.#postLarge(slot, head, items, from);
      return true;
    }
    const words = this.#reserveJob({ kind: RECORD_JOB, slot, index: 0 }, head, size);
    if (words < 0) return false;
    for (let i = 0; i <= head.count; i++) ring.words[words + i] = offsets[from + i]! - start;
    const whole = start === 0 && length === packed.bytes.byteLength;
    ring.bytes.set(whole ? packed.bytes : packed.bytes.subarray(start, start + length), words * 4 + table);
    return true;
  }

  #tryPostColumn(slot: number, head: JobHead, items: Items, from: number): boolean {
    const column = items.column!.subarray(from, from + head.count);
    const size = JOB_DOUBLES * 8 + column.byteLength;
    const { ring } = this.link.writer;
    if (size > ring.largest || this.link.backlog) {
      this.#postLarge(slot, head, items, from);
      return true;
    }
    const record = { kind: RECORD_COLUMN_JOB, slot, index: column.BYTES_PER_ELEMENT };
    const words = this.#reserveJob(record, head, size);
    if (words < 0) return false;
    // What came in a message may belong to another realm than this module: it is no instance of any class here.
    if (record.index === 4) ring.words.set(column, words);
    else ring.doubles.set(column, words >> 1);
    return true;
  }

  /** Reserves a job's record and writes its head; the index of the word behind it, or -1 where there is no room now. */
  #reserveJob(record: RecordHead, head: JobHead, size: number): number {
    const at = this.link.reserve(record, size);
    if (at < 0) return -1;
    return writeJobHead(this.link.writer.ring.doubles, at, head);
  }

  #postLarge(slot: number, head: JobHead, items: Items, from: number): void {
    const { extras } = items.packed;
    // Copies of what one task alone is given: between processes it need not copy them again.
    const isOnly = items.offsets.length === 2 && this.link.parts.port instanceof RingPort;
    const given = isOnly ? [...new Set(extras.filter((extra) => types.isSharedArrayBuffer(extra)))] : [];
    const isLast = from + head.count === items.offsets.length - 1;
    const message: ToWorker = {
      type: 'job',
      slot,
      head,
      ...partsOf(items, from, head.count),
      extras: extras.map((extra) => (isMoved(extra) ? undefined : extra)),
      fetch: isLast && extras.some(isMoved),
    };
    this.send(message, given);
  }

  flush(expected: number | undefined): void {
    if (this.exited) return;
    this.link.publish();
    this.inbox.expect(expected);
  }

  look(): boolean {
    this.inbox.look();
    return true;
  }

  openSlot(slot: number): void {
    this.#segment.openSlot(slot);
  }

  close(slot: number): number {
    return this.#segment.close(slot);
  }

  started(slot: number): number {
    return this.#segment.started(slot);
  }

  startedAt(slot: number): number {
    const time = this.#segment.startedAt(slot);
    return time === 0 ? 0 : this.toLocalTime(time);
  }

  isOver(slot: number): boolean {
    return this.#segment.isOver(slot);
  }

  requestCancel(slot: number, item: number): void {
    this.#segment.requestCancel(slot, item);
  }

  toLocalTime(time: number): number {
    return time + this.#clockOffset;
  }
}

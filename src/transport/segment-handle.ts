/** What workers over shared memory have in common, whatever they are: jobs, slots and clocks. */
import type { AssetStore } from '../codec/index.js';
import { EngineError } from '../errors.js';
import { HEADER_WORDS, type Segment } from '../memory/index.js';
import {
  JOB_DOUBLES,
  type JobHead,
  Link,
  type LinkParts,
  PROTOCOL_VERSION,
  RECORD_JOB,
  type ToParent,
  type ToWorker,
  type WirePacked,
} from '../protocol/index.js';
import { clockOrigin } from '../util/clock.js';
import { Inbox } from './inbox.js';
import { type ExitReason, type Items, isMoved, type WorkerEvents, type WorkerHandle } from './transport.js';

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
    this.inbox = new Inbox(this.link, events, assets, ready, trusted ? undefined : faults);
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
    const { packed, offsets } = items;
    const start = offsets[from]!;
    const length = offsets[from + head.count]! - start;
    const table = ((head.count + 2) >> 1) * 8;
    const size = JOB_DOUBLES * 8 + table + length;
    const { ring } = this.link.writer;
    if (packed.extras.length > 0 || size > ring.largest || this.link.backlog) {
      this.#postLarge(slot, head, items, from);
      return true;
    }
    const at = this.link.reserve({ kind: RECORD_JOB, slot, index: 0 }, size);
    if (at < 0) return false;
    let d = (at + HEADER_WORDS) >> 1;
    ring.doubles[d++] = head.operation;
    ring.doubles[d++] = head.base;
    ring.doubles[d++] = head.count;
    ring.doubles[d++] = head.attempt;
    ring.doubles[d++] = head.limit;
    ring.doubles[d++] = head.task;
    ring.doubles[d++] = head.first;
    const words = d << 1;
    for (let i = 0; i <= head.count; i++) ring.words[words + i] = offsets[from + i]! - start;
    const whole = start === 0 && length === packed.bytes.byteLength;
    ring.bytes.set(whole ? packed.bytes : packed.bytes.subarray(start, start + length), words * 4 + table);
    return true;
  }

  #postLarge(slot: number, head: JobHead, { packed, offsets }: Items, from: number): void {
    const start = offsets[from]!;
    const end = from + head.count;
    const part = Uint32Array.from(offsets.slice(from, end + 1), (offset) => offset - start);
    const fetch = end === offsets.length - 1 && packed.extras.some(isMoved);
    this.send({
      type: 'job',
      slot,
      head,
      offsets: part,
      bytes: packed.bytes.slice(start, start + part[head.count]!),
      extras: packed.extras.map((extra) => (isMoved(extra) ? undefined : extra)),
      fetch,
    });
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

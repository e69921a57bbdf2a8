/** What a worker sends: bytes by the ring where they fit, everything else by message, in one order. */
import { type AssetStore, type Packed, Packer, packError, staysWithSender } from '../codec/index.js';
import { HEADER_WORDS } from '../memory/index.js';
import {
  AUX,
  type ItemTimes,
  type Link,
  RECORD_END,
  RECORD_ERROR,
  RECORD_ONLY,
  RECORD_OUTPUT,
  RECORD_RESULT,
  RECORD_WAITING,
  type RecordHead,
  type ToParent,
  type ToWorker,
  toWire,
  type WirePacked,
} from '../protocol/index.js';
import type { Manner } from './job-run.js';
import { ResultBatch } from './result-batch.js';
import { ResultColumn } from './result-column.js';

/** How long one wait for room lasts before the ring is looked at again, in ms. */
const ROOM_TIMEOUT = 50;

export class Outbox {
  readonly #link: Link<ToParent, ToWorker>;
  /** Assets the parent has. */
  readonly #known: Set<string>;
  readonly #batch: ResultBatch;
  readonly #column: ResultColumn;
  readonly #over: (slot: number) => void;
  readonly #options: { readonly moved: true; readonly apart: boolean };
  #packer: Packer;

  /** `over` is told where an item has ended and its result waits for room: that is no running time. */
  constructor(
    link: Link<ToParent, ToWorker>,
    known: Set<string>,
    over: (slot: number) => void,
    apart = false,
  ) {
    this.#link = link;
    this.#options = { moved: true, apart };
    this.#packer = new Packer(this.#options);
    this.#known = known;
    this.#over = over;
    this.#batch = new ResultBatch(link, (head, size) => this.#reserve(head, size));
    this.#column = new ResultColumn(link, (head, size) => {
      // Not before: what a column does not take may go on in an open batch.
      this.#batch.close();
      return this.#reserve(head, size);
    });
  }

  wire(packed: Packed): WirePacked {
    return toWire(packed, this.#known);
  }

  message(message: ToParent, transfer: readonly unknown[] = []): void {
    this.close();
    this.#link.send(message, transfer);
  }

  /** @throws SerializationError where the value cannot travel; nothing has been sent then. */
  result(slot: number, item: number, value: unknown, manner: Manner): void {
    this.#column.close();
    const packer = this.#packer;
    // What could not be sent as the only result of its job is packed already.
    if (packer.length === 0) packer.item(value, manner.owned);
    if (packer.isPlain && this.#batch.tryAdd(slot, item, packer, manner)) return;
    this.#packer = new Packer(this.#options);
    this.#body(RECORD_RESULT, slot, item, packer.finish(), manner.times);
  }

  /**
   * A result that is a number, or nothing; false where {@link result} has to be called for it. It counts once the next item of
   * the job is claimed, which has to be the next thing to happen; then {@link tell}. `left`: items to come, with this one.
   */
  tryNumber(slot: number, item: number, value: number | undefined, left: number): boolean {
    return this.#column.tryAdd(slot, item, value, left);
  }

  /** All results so far count. */
  close(): void {
    this.#batch.close();
    this.#column.close();
  }

  /** @throws as `result`; false where {@link result} has to be called for the same value now. */
  tryOnly(slot: number, value: unknown, { began, over }: ItemTimes, owned: boolean): boolean {
    const packer = this.#packer;
    packer.item(value, owned);
    if (!packer.isPlain || packer.length > this.#link.writer.ring.largest) return false;
    const at = this.#begin(
      RECORD_ONLY,
      slot,
      Math.min((over - began) * 1000, 2 ** 31 - 1),
      over,
      packer.length,
    );
    packer.copyTo(this.#link.writer.ring.bytes, (at + HEADER_WORDS) * 4);
    this.#link.publish();
    return true;
  }

  /** Wakes the parent, if it waits for anything at all. */
  tell(): void {
    this.#link.parts.peer.ringSoftly();
  }

  /** What was sent is not to be lost with this process. */
  flush(): void {
    this.#link.writer.flush();
  }

  error(slot: number, item: number, error: unknown, times: ItemTimes): void {
    this.#body(RECORD_ERROR, slot, item, packError(error, this.#options.apart), times);
  }

  end(slot: number, started: number, elapsed: number): void {
    this.#record(RECORD_END, slot, started, elapsed, undefined);
  }

  waiting(slot: number, waiting: boolean): void {
    this.#record(RECORD_WAITING, slot, waiting ? 1 : 0, 0, undefined);
  }

  output(stream: 1 | 2, bytes: Uint8Array): void {
    if (bytes.byteLength <= this.#link.writer.ring.largest) {
      this.#record(RECORD_OUTPUT, 0, stream, 0, bytes);
    } else {
      this.message({ type: 'output', stream, bytes: bytes.slice() });
    }
  }

  #body(kind: number, slot: number, item: number, body: Packed, timed: ItemTimes | undefined): void {
    const { ring } = this.#link.writer;
    const { bytes, extras, assets, modules, transfer } = body;
    const times = timed === undefined ? { began: 0, over: performance.now() } : { ...timed };
    if (extras.length + assets.length + modules.length === 0 && bytes.byteLength + 8 <= ring.largest) {
      const at = this.#begin(kind, slot, item, times.over, bytes.byteLength + 8);
      ring.doubles[(at + HEADER_WORDS) >> 1] = times.began;
      ring.bytes.set(bytes, (at + HEADER_WORDS) * 4 + 8);
      this.#link.publish();
      return;
    }
    const failed = kind === RECORD_ERROR;
    this.message({ type: 'result', slot, index: item, failed, times, body: this.wire(body) }, transfer);
  }

  #record(kind: number, slot: number, index: number, aux: number, payload: Uint8Array | undefined): void {
    const at = this.#begin(kind, slot, index, aux, payload?.byteLength ?? 0);
    if (payload !== undefined) this.#link.writer.ring.bytes.set(payload, (at + HEADER_WORDS) * 4);
    this.#link.publish();
  }

  /** Reserves a record of its own, to be filled and published. */
  #begin(kind: number, slot: number, index: number, aux: number, size: number): number {
    this.close();
    const at = this.#reserve({ kind, slot, index }, size);
    this.#link.writer.ring.doubles[(at + AUX) >> 1] = aux;
    return at;
  }

  #reserve(head: RecordHead, size: number): number {
    const link = this.#link;
    let at = link.reserve(head, size);
    if (at < 0 && head.kind !== RECORD_OUTPUT) this.#over(head.slot);
    while (at < 0) {
      // The parent drains whenever its event loop turns; waiting here is the backpressure on this worker. It may wait
      // behind a batch that was open when it looked and takes up the room: nothing has rung for that since.
      link.parts.peer.ring();
      link.writer.waitForRoom(ROOM_TIMEOUT);
      at = link.reserve(head, size);
    }
    return at;
  }
}

/** Remembers what the parent still has of the assets that it sent. */
export function learn(known: Set<string>, store: AssetStore, message: ToWorker): void {
  if (message.type !== 'assets') return;
  for (const asset of message.assets) {
    store.keep(asset);
    if (staysWithSender(asset)) known.add(asset.hash);
  }
}

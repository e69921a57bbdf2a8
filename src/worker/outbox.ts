/** What a worker sends: bytes by the ring where they fit, everything else by message, in one order. */
import { type AssetStore, type Packed, Packer, packError } from '../codec/index.js';
import { HEADER_WORDS } from '../memory/index.js';
import {
  AUX,
  type Link,
  RECORD_END,
  RECORD_ERROR,
  RECORD_OUTPUT,
  RECORD_RESULT,
  type RecordHead,
  type ToParent,
  type ToWorker,
  toWire,
  type WirePacked,
} from '../protocol/index.js';
import { ResultBatch } from './result-batch.js';

/** How long one wait for room lasts before the ring is looked at again, in ms. */
const ROOM_TIMEOUT = 50;

const MOVED = { moved: true };

export class Outbox {
  readonly #link: Link<ToParent, ToWorker>;
  /** Assets the parent has. */
  readonly #known: Set<string>;
  readonly #batch: ResultBatch;
  #packer = new Packer(MOVED);

  constructor(link: Link<ToParent, ToWorker>, known: Set<string>) {
    this.#link = link;
    this.#known = known;
    this.#batch = new ResultBatch(link, (head, size) => this.#reserve(head, size));
  }

  wire(packed: Packed): WirePacked {
    return toWire(packed, this.#known);
  }

  message(message: ToParent, transfer: readonly unknown[] = []): void {
    this.#batch.close();
    this.#link.send(message, transfer);
  }

  /** @throws SerializationError where the value cannot travel; nothing has been sent then. */
  result(slot: number, item: number, value: unknown, shared: boolean, owned: boolean): void {
    const packer = this.#packer;
    packer.item(value, owned);
    if (shared && packer.isPlain && this.#batch.tryAdd(slot, item, packer)) return;
    this.#packer = new Packer(MOVED);
    this.#body(RECORD_RESULT, slot, item, packer.finish());
  }

  error(slot: number, item: number, error: unknown): void {
    this.#body(RECORD_ERROR, slot, item, packError(error));
  }

  end(slot: number, started: number, elapsed: number): void {
    this.#record(RECORD_END, slot, started, elapsed, undefined);
  }

  output(stream: 1 | 2, bytes: Uint8Array): void {
    if (bytes.byteLength <= this.#link.writer.ring.largest) {
      this.#record(RECORD_OUTPUT, 0, stream, 0, bytes);
    } else {
      this.message({ type: 'output', stream, bytes: bytes.slice() });
    }
  }

  #body(kind: number, slot: number, item: number, body: Packed): void {
    const simple = body.extras.length === 0 && body.assets.length === 0 && body.modules.length === 0;
    if (simple && body.bytes.byteLength <= this.#link.writer.ring.largest) {
      this.#record(kind, slot, item, performance.now(), body.bytes);
      return;
    }
    this.message(
      {
        type: 'result',
        slot,
        index: item,
        failed: kind === RECORD_ERROR,
        at: performance.now(),
        body: this.wire(body),
      },
      body.transfer,
    );
  }

  #record(kind: number, slot: number, index: number, aux: number, payload: Uint8Array | undefined): void {
    const link = this.#link;
    this.#batch.close();
    const at = this.#reserve({ kind, slot, index }, payload?.byteLength ?? 0);
    const { ring } = link.writer;
    ring.doubles[(at + AUX) >> 1] = aux;
    if (payload !== undefined) ring.bytes.set(payload, (at + HEADER_WORDS) * 4);
    link.publish();
  }

  #reserve(head: RecordHead, size: number): number {
    const link = this.#link;
    let at = link.reserve(head, size);
    while (at < 0) {
      // The parent drains whenever its event loop turns; waiting here is the backpressure on this worker.
      link.writer.waitForRoom(ROOM_TIMEOUT);
      at = link.reserve(head, size);
    }
    return at;
  }
}

/** Remembers that the parent has every asset that it sent. */
export function learn(known: Set<string>, store: AssetStore, message: ToWorker): void {
  if (message.type !== 'assets') return;
  for (const asset of message.assets) {
    store.add(asset);
    // The parent keeps code and types that it sent, but not its large constants.
    if (asset.kind !== 'constant') known.add(asset.hash);
  }
}

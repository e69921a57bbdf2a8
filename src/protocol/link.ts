/**
 * One side of the channel between a parent and a worker: a ring of records and a port for messages, kept in
 * one order, and bells so that neither side looks for work that is not there.
 *
 * Parking: whoever is about to wait stores PARKED = 1 and then looks at the ring once more; whoever publishes
 * stores the head and then takes PARKED by `exchange`. Both are "write mine, then read the other's" (Dekker),
 * so at least one side sees the other, and the exchange gives exactly one bell.
 */
import { type MessagePort, receiveMessageOnPort } from 'node:worker_threads';
import { exchange, HEADER_WORDS, load, type RingReader, type RingWriter, store } from '../memory/index.js';
import { INDEX, KIND, LENGTH, MESSAGES, SLOT } from './messages.js';

export interface LinkParts {
  readonly port: MessagePort;
  readonly control: Int32Array;
  readonly writer: RingWriter;
  readonly reader: RingReader;
  /** Word in `control` that this side sets while it waits. */
  readonly ownParked: number;
  readonly peerParked: number;
}

/** A record to be written: what the words of its header say. */
export interface RecordHead {
  readonly kind: number;
  readonly slot: number;
  readonly index: number;
}

export class Link<Out extends { readonly type: string }, In extends { readonly type: string }> {
  readonly parts: LinkParts;
  readonly reader: RingReader;
  readonly writer: RingWriter;
  readonly #handle: (message: In) => void;
  #sent = 0;
  #received = 0;

  constructor(parts: LinkParts, handle: (message: In) => void) {
    this.parts = parts;
    this.reader = parts.reader;
    this.writer = parts.writer;
    this.#handle = handle;
  }

  /** Messages taken so far (wraps at 2^32). */
  get received(): number {
    return this.#received;
  }

  send(message: Out, transfer?: readonly unknown[]): void {
    if (transfer !== undefined && transfer.length > 0) {
      this.parts.port.postMessage(message, transfer as ArrayBuffer[]);
    } else {
      this.parts.port.postMessage(message);
    }
    // Counted once it is on its way: what cannot be cloned throws and has not been sent.
    this.#sent = (this.#sent + 1) | 0;
  }

  /** Reserves a record with `payload` bytes and fills its header; the word index of the header, or -1. */
  reserve(head: RecordHead, payload: number): number {
    const at = this.writer.tryReserve(payload);
    if (at < 0) return -1;
    const { words } = this.writer.ring;
    words[at + KIND] = head.kind;
    words[at + SLOT] = head.slot;
    words[at + INDEX] = head.index;
    words[at + MESSAGES] = this.#sent;
    words[at + LENGTH] = payload;
    return at;
  }

  /** Publishes what was reserved, and rings if the peer waits. */
  publish(): void {
    this.writer.publish();
    const { control, peerParked } = this.parts;
    if (load(control, peerParked) === 1 && exchange(control, peerParked, 0) === 1) {
      this.send({ type: 'bell' } as Out);
    }
  }

  /** Says that this side waits; false where there is something to do after all. */
  tryPark(): boolean {
    const { control, ownParked } = this.parts;
    store(control, ownParked, 1);
    if (this.reader.empty) return true;
    store(control, ownParked, 0);
    return false;
  }

  /** To be called by the port's `message` event. */
  arrived(message: In): void {
    this.#received = (this.#received + 1) | 0;
    this.#handle(message);
  }

  /** Takes the messages that were sent before the record at `header`. */
  catchUp(header: number): void {
    const due = this.reader.ring.words[header + MESSAGES]!;
    while (((due - this.#received) | 0) > 0) {
      const next = receiveMessageOnPort(this.parts.port);
      // A message that cannot be deserialized is dropped by Node; the port's `messageerror` ends the worker.
      if (next === undefined) return;
      this.arrived(next.message as In);
    }
  }

  /** Takes every message that has arrived. */
  takeMessages(): void {
    for (;;) {
      const next = receiveMessageOnPort(this.parts.port);
      if (next === undefined) return;
      this.arrived(next.message as In);
    }
  }

  /** The payload of the record at `header`: a view on shared memory, valid until the record is released. */
  payload(header: number): Uint8Array {
    const { ring } = this.reader;
    const start = (header + HEADER_WORDS) * 4;
    return ring.bytes.subarray(start, start + ring.words[header + LENGTH]!);
  }
}

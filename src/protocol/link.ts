/**
 * One side of the channel between a parent and a worker: a ring of records and a port for messages, kept in one
 * order, and a doorbell each way so that neither side looks for work that is not there.
 */
import { type MessagePort, receiveMessageOnPort } from 'node:worker_threads';
import { type Doorbell, HEADER_WORDS, type RingReader, type RingWriter } from '../memory/index.js';
import { INDEX, KIND, LENGTH, MESSAGES, SLOT } from './messages.js';
import { RingPort } from './ring-port.js';

export interface LinkParts {
  readonly port: MessagePort | RingPort;
  readonly writer: RingWriter;
  readonly reader: RingReader;
  /** What this side waits at. */
  readonly own: Doorbell;
  /** What the other side waits at. */
  readonly peer: Pick<Doorbell, 'ring' | 'ringSoftly'>;
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
  /** Between processes there is no event for a message. */
  readonly #rings: RingPort | undefined;
  #sent = 0;
  #received = 0;

  constructor(parts: LinkParts, handle: (message: In) => void) {
    this.parts = parts;
    this.reader = parts.reader;
    this.writer = parts.writer;
    this.#handle = handle;
    this.#rings = parts.port instanceof RingPort ? parts.port : undefined;
  }

  /** Messages taken so far (wraps at 2^32). */
  get received(): number {
    return this.#received;
  }

  send(message: Out, transfer?: readonly unknown[]): void {
    // The peer takes what it sees: a record that was written first has to be seen first.
    this.writer.publish();
    if (transfer !== undefined && transfer.length > 0) {
      this.parts.port.postMessage(message, transfer as ArrayBuffer[]);
    } else {
      this.parts.port.postMessage(message);
    }
    // Counted once it is on its way: what cannot be cloned throws and has not been sent.
    this.#sent = (this.#sent + 1) | 0;
    // A blocked thread takes no event of its port.
    this.parts.peer.ring();
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
    this.parts.peer.ring();
  }

  /** Messages are there, of whom no event tells. */
  get hasMessages(): boolean {
    return this.#rings !== undefined && !this.#rings.empty;
  }

  /** Messages wait for room: what comes after them has to wait with them. */
  get backlog(): boolean {
    if (this.#rings === undefined) return false;
    return this.#rings.backlog;
  }

  /** Sends on what waited for room; whether any of it went. */
  pump(): boolean {
    if (this.#rings === undefined || !this.#rings.backlog || !this.#rings.flush()) return false;
    this.parts.peer.ring();
    return true;
  }

  /** The next message, not yet counted: to be given to {@link arrived}. */
  poll(): In | undefined {
    const port = this.#rings ?? this.parts.port;
    const next = port instanceof RingPort ? port.receive() : receiveMessageOnPort(port);
    return next?.message as In | undefined;
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
      const next = this.poll();
      // A message that cannot be deserialized is dropped by Node; the port's `messageerror` ends the worker.
      if (next === undefined) return;
      this.arrived(next);
    }
  }

  /** Whether the message that was the `number`th came before the record at `header`. */
  sentBefore(number: number, header: number): boolean {
    return ((this.reader.ring.words[header + MESSAGES]! - number) | 0) >= 0;
  }

  /** Takes every message that has arrived; true where there were any. */
  takeMessages(): boolean {
    for (let any = false; ; any = true) {
      const next = this.poll();
      if (next === undefined) return any;
      this.arrived(next);
    }
  }

  /** The payload of the record at `header`: a view on shared memory, valid until the record is released. */
  payload(header: number): Uint8Array {
    const { ring } = this.reader;
    const start = (header + HEADER_WORDS) * 4;
    return ring.bytes.subarray(start, start + ring.words[header + LENGTH]!);
  }
}

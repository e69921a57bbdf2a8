/**
 * Messages by rings, between processes: what a `MessagePort` does between threads. A message is cut into records that
 * follow each other; the first one says how long its head is. Each record holds a part of
 *
 *   head   number of buffers (4 bytes), for each what it is (4 bytes) and its length (double); then the message
 *          as `v8.Serializer` writes it, with the buffers by number
 *   body   the buffers, one behind the other
 *
 * Buffers go from the ring straight to where they stay.
 */

import { HEADER_WORDS, type RingReader, type RingWriter } from '../memory/index.js';
import { inLargePages } from '../util/large-pages.js';
import { BrokenProtocol } from './broken-protocol.js';
import { AUX, INDEX, KIND, LENGTH } from './messages.js';
import { deserialize, SHARED, serialize } from './serialize.js';

/** In KIND: the first part of a message, with the length of its head in AUX; a part that follows. */
const FIRST = 64;
const MORE = 65;
/** What one message may have at most, in bytes: a limit on what a broken peer can make us reserve. */
const MOST = 2 ** 33;

interface Arriving {
  readonly number: number;
  head: Uint8Array;
  targets: Uint8Array[];
  /** Buffers as the message names them; undefined until the head is whole. */
  buffers: (ArrayBuffer | SharedArrayBuffer)[] | undefined;
  /** Where the next part goes. */
  target: number;
  at: number;
}

export interface RingPortOptions {
  readonly writer: RingWriter;
  readonly reader: RingReader;
  /** Called when the peer is to be woken, so that it makes room or takes what there is. */
  readonly ring: () => void;
  /** Longest wait for room at a time, in ms; without it this side does not block, and {@link RingPort.flush} goes on. */
  readonly patience?: number | undefined;
}

export class RingPort {
  readonly #options: RingPortOptions;
  readonly #queue: Uint8Array[] = [];
  /** Lengths of the heads in the queue: where messages begin. */
  readonly #heads = new Map<Uint8Array, number>();
  #at = 0;
  #sent = 0;
  #received = 0;
  #arriving: Arriving | undefined;

  constructor(options: RingPortOptions) {
    this.#options = options;
  }

  /**
   * Shared memory in `transfer` becomes memory of the receiver's own.
   *
   * @throws DataCloneError where the message cannot be copied: then nothing of it is sent
   */
  postMessage(message: unknown, transfer?: readonly unknown[]): void {
    const { head, body } = serialize(message, transfer ?? []);
    this.#heads.set(head, head.byteLength);
    this.#queue.push(head);
    for (const part of body) if (part.byteLength > 0) this.#queue.push(part);
    this.flush();
  }

  /** Something waits for room. */
  get backlog(): boolean {
    return this.#queue.length > 0;
  }

  /** Nothing has come. */
  get empty(): boolean {
    return this.#options.reader.empty;
  }

  /** Writes what there is room for; whether it wrote anything. */
  flush(): boolean {
    const { patience, writer, ring } = this.#options;
    let any = false;
    while (this.#queue.length > 0) {
      if (this.#writePart()) {
        any = true;
        continue;
      }
      if (patience === undefined) {
        // Says so, then looks once more: the reader makes room and then looks whether somebody waits for it.
        writer.announceWait(true);
        if (!this.#writePart()) break;
        any = true;
      } else {
        ring();
        writer.waitForRoom(patience);
      }
    }
    if (patience === undefined && any && this.#queue.length === 0) writer.announceWait(false);
    return any;
  }

  #writePart(): boolean {
    const { writer } = this.#options;
    const piece = this.#queue[0]!;
    const length = Math.min(piece.byteLength - this.#at, writer.ring.largest);
    const at = writer.tryReserve(length);
    if (at < 0) return false;
    const { words, doubles, bytes } = writer.ring;
    const head = this.#at === 0 ? this.#heads.get(piece) : undefined;
    if (head !== undefined) {
      this.#heads.delete(piece);
      this.#sent = (this.#sent + 1) | 0;
      doubles[(at + AUX) >> 1] = head;
    }
    words[at + KIND] = head === undefined ? MORE : FIRST;
    words[at + INDEX] = this.#sent;
    words[at + LENGTH] = length;
    bytes.set(piece.subarray(this.#at, this.#at + length), (at + HEADER_WORDS) * 4);
    writer.publish();
    this.#at += length;
    if (this.#at === piece.byteLength) {
      this.#queue.shift();
      this.#at = 0;
    }
    return true;
  }

  /**
   * The next message that is there whole, as `receiveMessageOnPort` gives it.
   * @throws BrokenProtocol
   */
  receive(): { readonly message: unknown } | undefined {
    const { reader, ring } = this.#options;
    for (;;) {
      const header = reader.next();
      if (header < 0) return undefined;
      const arrived = this.#takePart(header);
      reader.release(header);
      if (reader.awaited) ring();
      if (arrived !== undefined) return arrived;
    }
  }

  #takePart(header: number): { readonly message: unknown } | undefined {
    const { words, doubles, bytes } = this.#options.reader.ring;
    const kind = words[header + KIND]!;
    const number = words[header + INDEX]!;
    const length = words[header + LENGTH]!;
    if (length < 0 || length > words[header]! * 8 - HEADER_WORDS * 4)
      throw new BrokenProtocol('a part is too long');
    if (kind === FIRST) this.#begin(number, doubles[(header + AUX) >> 1]!);
    else if (kind !== MORE) throw new BrokenProtocol(`a part of unknown kind ${kind}`);
    const arriving = this.#arriving;
    if (arriving === undefined || arriving.number !== number)
      throw new BrokenProtocol('a part of no message');
    const target = arriving.targets[arriving.target];
    const start = (header + HEADER_WORDS) * 4;
    if (target === undefined || arriving.at + length > target.byteLength) {
      throw new BrokenProtocol('a message is longer than it said');
    }
    target.set(bytes.subarray(start, start + length), arriving.at);
    arriving.at += length;
    if (arriving.at < target.byteLength) return undefined;
    return this.#targetFull(arriving);
  }

  #begin(number: number, length: number): void {
    if (this.#arriving !== undefined) throw new BrokenProtocol('a message begins inside another');
    this.#received = (this.#received + 1) | 0;
    if (number !== this.#received)
      throw new BrokenProtocol(`message ${number} in place of ${this.#received}`);
    if (!(Number.isInteger(length) && length > 4 && length <= MOST)) {
      throw new BrokenProtocol(`a message with a head of ${length} bytes`);
    }
    const head = new Uint8Array(reserve(length, ArrayBuffer));
    this.#arriving = { number, head, targets: [head], buffers: undefined, target: 0, at: 0 };
  }

  #targetFull(arriving: Arriving): { readonly message: unknown } | undefined {
    arriving.target += 1;
    arriving.at = 0;
    if (arriving.buffers === undefined) {
      arriving.buffers = buffersOf(arriving.head);
      for (const buffer of arriving.buffers)
        if (buffer.byteLength > 0) arriving.targets.push(new Uint8Array(buffer));
    }
    if (arriving.target < arriving.targets.length) return undefined;
    this.#arriving = undefined;
    try {
      return { message: deserialize(arriving.head, arriving.buffers) };
    } catch (cause) {
      throw new BrokenProtocol('a message that cannot be read', { cause });
    }
  }
}

function reserve<B extends ArrayBufferLike>(bytes: number, Type: new (bytes: number) => B): B {
  try {
    return inLargePages(new Type(bytes));
  } catch (cause) {
    throw new BrokenProtocol(`a message of ${bytes} bytes, for which there is no memory`, { cause });
  }
}

/** The buffers that a head announces, empty. */
function buffersOf(head: Uint8Array): (ArrayBuffer | SharedArrayBuffer)[] {
  const view = new DataView(head.buffer);
  const count = view.getUint32(0, true);
  if (4 + count * 12 > head.byteLength)
    throw new BrokenProtocol(`a head of ${count} buffers that is too short`);
  const buffers: (ArrayBuffer | SharedArrayBuffer)[] = [];
  let sum = 0;
  for (let i = 0; i < count; i++) {
    const kind = view.getUint32(4 + i * 12, true);
    const length = view.getFloat64(8 + i * 12, true);
    sum += length;
    if (!Number.isInteger(length) || length < 0 || !(sum <= MOST)) {
      throw new BrokenProtocol(`a message with a buffer of ${length} bytes`);
    }
    buffers.push(kind === SHARED ? reserve(length, SharedArrayBuffer) : reserve(length, ArrayBuffer));
  }
  return buffers;
}

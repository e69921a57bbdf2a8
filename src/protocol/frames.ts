/**
 * Frames, by which two processes mirror their memory over pipes: 16 bytes, and behind those of DATA the bytes of a ring.
 *
 *   kind (1 byte)   flag (1 byte)   slot (2 bytes)   a (4 bytes)   b, c (4 bytes each), or a double
 *
 * What each says is in the transport's README.
 */
import { SLOTS } from '../memory/index.js';
import { BrokenProtocol } from './broken-protocol.js';
import { PROTOCOL_VERSION } from './messages.js';

/** The argument of a child that is to use them. */
export const BY_SOCKET = 'socket';

/** a: {@link MAGIC}, b: the version. */
export const FRAME_HELLO = 1;
/** flag: the ring; a: where the bytes begin, b: how many, c: the head once they are there. Positions in units of 8 bytes. */
export const FRAME_DATA = 2;
/** flag: the ring; a: the tail. */
export const FRAME_TAIL = 3;
/** Parent → child; a: the number of what is posted in the slot. */
export const FRAME_OPEN = 4;
/** a: how many items may begin. */
export const FRAME_GRANT = 5;
export const FRAME_CLOSE = 6;
/** a: the item, or -1. */
export const FRAME_CANCEL = 7;
/** Child → parent; flag: 1 where the start is to be stamped; a: the item, the double: when, in ms of the child's clock. */
export const FRAME_BEGAN = 8;
/** a: the item. */
export const FRAME_WANT = 9;
export const FRAME_OVER = 10;
/** The slot was closed; a: how many items had begun, b: the number that OPEN gave. */
export const FRAME_RETURNED = 11;

/** The ring of records or the ring of messages, of those that lead to the receiver (of TAIL: from it). */
export const RECORDS = 0;
export const MESSAGE_PARTS = 1;

const MAGIC = 0x4c_55_4d_53;
const BYTES = 16;
/** What is gathered before it is written. */
const GATHERED = 1 << 16;
/** Larger parts are written from where they lie. */
const COPIED = 1 << 12;

export interface Frame {
  kind: number;
  flag: number;
  slot: number;
  a: number;
  b: number;
  c: number;
  time: number;
}

/** Gathers frames until {@link flush}, or until there are many. */
export class FrameWriter {
  readonly #write: (frames: Uint8Array, data?: Uint8Array) => void;
  readonly #bytes = new Uint8Array(GATHERED);
  readonly #view = new DataView(this.#bytes.buffer);
  #length = 0;

  /**
   * `write`: frames, valid during the call only, and bytes to follow them at once, which stay as they are until the peer has read
   * them. `first`: whether this is who greets the peer.
   */
  constructor(write: (frames: Uint8Array, data?: Uint8Array) => void, first = true) {
    this.#write = write;
    if (first) this.frame(FRAME_HELLO, 0, 0, MAGIC, PROTOCOL_VERSION, 0);
  }

  frame(kind: number, flag: number, slot: number, a: number, b: number, c: number): void {
    const at = this.#begin(kind, flag, slot, a);
    this.#view.setInt32(at + 8, b, true);
    this.#view.setInt32(at + 12, c, true);
  }

  timed(kind: number, flag: number, slot: number, a: number, time: number): void {
    this.#view.setFloat64(this.#begin(kind, flag, slot, a) + 8, time, true);
  }

  data(ring: number, start: number, bytes: Uint8Array, head: number): void {
    const { byteLength } = bytes;
    this.frame(FRAME_DATA, ring, 0, start, byteLength, head);
    if (byteLength > COPIED) {
      const frames = this.#bytes.subarray(0, this.#length);
      this.#length = 0;
      return this.#write(frames, bytes);
    }
    if (this.#length + byteLength > GATHERED) this.flush();
    this.#bytes.set(bytes, this.#length);
    this.#length += byteLength;
  }

  flush(): void {
    if (this.#length === 0) return;
    const bytes = this.#bytes.subarray(0, this.#length);
    this.#length = 0;
    this.#write(bytes);
  }

  #begin(kind: number, flag: number, slot: number, a: number): number {
    if (this.#length + BYTES > GATHERED) this.flush();
    const at = this.#length;
    this.#length += BYTES;
    this.#bytes[at] = kind;
    this.#bytes[at + 1] = flag;
    this.#view.setUint16(at + 2, slot, true);
    this.#view.setInt32(at + 4, a, true);
    return at;
  }
}

/** What takes frames. `begin` gives where the bytes behind a frame of DATA go; `filled` is called once they are there. */
export interface FrameSink {
  begin(frame: Frame): Uint8Array;
  filled(frame: Frame): void;
  /** Any other frame; the object is used again. */
  take(frame: Frame): void;
}

export class FrameReader {
  readonly #sink: FrameSink;
  readonly #partial = Buffer.alloc(BYTES);
  #have = 0;
  #target: Uint8Array | undefined;
  #at = 0;
  #greeted = false;
  readonly #frame: Frame = { kind: 0, flag: 0, slot: 0, a: 0, b: 0, c: 0, time: 0 };

  constructor(sink: FrameSink) {
    this.#sink = sink;
  }

  /** @throws BrokenProtocol, and what the sink throws */
  take(chunk: Uint8Array): void {
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    for (let at = 0; at < bytes.byteLength; ) {
      if (this.#target !== undefined) at += this.#fill(bytes, at, this.#target);
      else if (this.#have === 0 && bytes.byteLength - at >= BYTES) {
        this.#read(bytes, at);
        at += BYTES;
      } else {
        const part = Math.min(BYTES - this.#have, bytes.byteLength - at);
        bytes.copy(this.#partial, this.#have, at, at + part);
        this.#have += part;
        at += part;
        if (this.#have < BYTES) return;
        this.#have = 0;
        this.#read(this.#partial, 0);
      }
    }
  }

  #fill(bytes: Uint8Array, at: number, target: Uint8Array): number {
    const part = Math.min(target.byteLength - this.#at, bytes.byteLength - at);
    target.set(bytes.subarray(at, at + part), this.#at);
    this.#at += part;
    if (this.#at === target.byteLength) {
      this.#target = undefined;
      this.#sink.filled(this.#frame);
    }
    return part;
  }

  #read(bytes: Buffer, at: number): void {
    const frame = this.#frame;
    frame.kind = bytes[at]!;
    frame.flag = bytes[at + 1]!;
    frame.slot = bytes.readUInt16LE(at + 2);
    frame.a = bytes.readInt32LE(at + 4);
    if (frame.kind === FRAME_BEGAN) frame.time = bytes.readDoubleLE(at + 8);
    else {
      frame.b = bytes.readInt32LE(at + 8);
      frame.c = bytes.readInt32LE(at + 12);
    }
    if (!this.#greeted) return this.#greet(frame);
    if (frame.slot >= SLOTS) throw new BrokenProtocol(`a frame of slot ${frame.slot}`);
    if (frame.kind !== FRAME_DATA) return this.#sink.take(frame);
    this.#target = this.#sink.begin(frame);
    this.#at = 0;
  }

  #greet({ kind, a, b }: Frame): void {
    if (kind !== FRAME_HELLO || a !== MAGIC) throw new BrokenProtocol('what it sent first is no greeting');
    if (b !== PROTOCOL_VERSION) {
      throw new BrokenProtocol(`it speaks version ${b}, this side ${PROTOCOL_VERSION}`);
    }
    this.#greeted = true;
  }
}

/** Of the two rings that lead one way, the one that a frame is about. @throws BrokenProtocol */
export function ringOf<T>(pair: readonly T[], flag: number): T {
  const one = pair[flag];
  if (one === undefined) throw new BrokenProtocol(`a frame for ring ${flag}`);
  return one;
}

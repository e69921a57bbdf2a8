/**
 * Rings whose two sides have no memory in common: each has a copy, and what one side publishes is sent to the other, to the
 * same place. The writer has a head and a tail of its own; the other side's copies of them follow.
 */
import { load, store, wake } from './atomics.js';
import { BrokenRing, type Ring, RingReader, RingWriter, SKIP } from './ring.js';

/** Sends what a ring's writer publishes. The bytes stay as they are until the reader has told its tail. */
export interface MirrorOutlet {
  data(start: number, bytes: Uint8Array, head: number): void;
  flush(): void;
}

export class MirrorWriter extends RingWriter {
  readonly #outlet: MirrorOutlet;
  #sent: number;

  constructor(ring: Ring, outlet: MirrorOutlet) {
    super(ring);
    this.#outlet = outlet;
    this.#sent = load(ring.control, ring.head);
  }

  /** What has been published has been sent: it cannot grow. */
  override get grows(): boolean {
    return false;
  }

  override publish(): void {
    super.publish();
    const { ring } = this;
    const head = load(ring.control, ring.head);
    while (this.#sent !== head) this.#sendRun(head);
  }

  override flush(): void {
    this.#outlet.flush();
  }

  /** Records that lie behind one another; of the unused rest of the buffer the mark only. */
  #sendRun(head: number): void {
    const { ring } = this;
    const from = this.#sent & ring.mask;
    let to = from;
    let next = this.#sent;
    while (next !== head && to < ring.units) {
      const size = ring.words[to << 1]!;
      if (size === SKIP) {
        next = (next + ring.units - to) | 0;
        to += 1;
        break;
      }
      to += size;
      next = (next + size) | 0;
    }
    const start = this.#sent;
    this.#sent = next;
    this.#outlet.data(start, ring.bytes.subarray(from * 8, to * 8), next);
  }
}

export class MirrorReader extends RingReader {
  readonly #tell: (tail: number) => void;
  #told: number;

  /** `tell`: how far it has read; once for each quarter of the ring, so that there is always room for the largest record. */
  constructor(ring: Ring, tell: (tail: number) => void, checked = false) {
    super(ring, checked);
    this.#tell = tell;
    this.#told = this.position;
  }

  override release(header: number): void {
    super.release(header);
    const now = this.position;
    if (((now - this.#told) | 0) < this.ring.units / 4) return;
    this.#told = now;
    this.#tell(now);
  }
}

/** The reader's copy of a ring, as its writer's frames fill it. */
export class RingCopy {
  readonly #ring: Ring;

  constructor(ring: Ring) {
    this.#ring = ring;
  }

  /**
   * Where bytes go that begin at position `start` and lead to `head`.
   * @throws BrokenRing where they cannot
   */
  begin(start: number, length: number, head: number): Uint8Array {
    const ring = this.#ring;
    const from = (start & ring.mask) * 8;
    const units = length / 8;
    const grown = (head - start) | 0;
    const published = (head - load(ring.control, ring.tail)) | 0;
    if (
      start !== load(ring.control, ring.head) ||
      !(Number.isInteger(units) && units > 0 && units <= grown) ||
      from + length > ring.bytes.byteLength ||
      (start & ring.mask) + grown > ring.units ||
      published < 0 ||
      published > ring.units
    ) {
      throw new BrokenRing(`${length} bytes from ${start} to ${head}`);
    }
    return ring.bytes.subarray(from, from + length);
  }

  filled(head: number): void {
    store(this.#ring.control, this.#ring.head, head);
  }
}

/**
 * The writer's copy of the other side's tail; wakes the writer where it is blocked.
 * @throws BrokenRing where the reader cannot have read so far
 */
export function moveTail(ring: Ring, tail: number): void {
  const before = load(ring.control, ring.tail);
  const head = load(ring.control, ring.head);
  const moved = (tail - before) | 0;
  if (moved < 0 || moved > ((head - before) | 0)) throw new BrokenRing(`a tail at ${tail} after ${before}`);
  store(ring.control, ring.tail, tail);
  wake(ring.control, ring.tail);
}

/** The way to a child that shares no memory with this process: frames by two pipes, see README.md. */
import type { ChildProcess } from 'node:child_process';
import { readSync } from 'node:fs';
import type { Duplex } from 'node:stream';
import {
  type MirrorOutlet,
  MirrorReader,
  MirrorWriter,
  mapSegment,
  moveTail,
  RingCopy,
} from '../memory/index.js';
import {
  BrokenProtocol,
  BY_SOCKET,
  FRAME_BEGAN,
  FRAME_CANCEL,
  FRAME_CLOSE,
  FRAME_GRANT,
  FRAME_OPEN,
  FRAME_OVER,
  FRAME_RETURNED,
  FRAME_TAIL,
  FRAME_WANT,
  type Frame,
  FrameReader,
  FrameWriter,
  type JobHead,
  type LinkParts,
  MESSAGE_PARTS,
  RECORDS,
  RingPort,
  ringOf,
} from '../protocol/index.js';
import { GrantingSegment } from './granting-segment.js';
import { Grants } from './grants.js';
import type { WorkerEvents } from './transport.js';
import type { Way } from './way.js';

/** Bytes read at a time. */
const CHUNK = 1 << 16;
export class SocketWay implements Way {
  readonly segment: GrantingSegment;
  readonly parts: LinkParts;
  readonly argument = BY_SOCKET;
  readonly files = ['pipe', 'pipe'] as const;
  readonly #grants: Grants;
  readonly #frames: FrameWriter;
  readonly #reader: FrameReader;
  #events!: Pick<WorkerEvents, 'returned'>;
  /** What is written before there is a child. */
  #early: Uint8Array[] | undefined = [];
  #out: Duplex | undefined;
  #in: Duplex | undefined;
  #broken: (error: Error) => void = () => {};
  #isBroken = false;
  #flushPlanned = false;

  constructor(places: number) {
    const frames = new FrameWriter((bytes, data) => {
      this.#write(bytes.slice());
      if (data !== undefined) this.#write(data);
    });
    this.#frames = frames;
    const tell = (kind: number, slot: number, a: number): void => {
      frames.frame(kind, 0, slot, a, 0, 0);
      this.#planFlush();
    };
    const grant = (slot: number, items: number): void => tell(FRAME_GRANT, slot, items);
    this.#grants = new Grants({ now: () => performance.now(), grant }, places);
    this.segment = new GrantingSegment(
      mapSegment((_, bytes) => new ArrayBuffer(bytes)),
      this.#grants,
      {
        open: (slot, number) => tell(FRAME_OPEN, slot, number),
        close: (slot) => tell(FRAME_CLOSE, slot, 0),
        cancel: (slot, item) => tell(FRAME_CANCEL, slot, item),
      },
    );
    this.parts = this.#link();
    this.#reader = this.#frameReader();
  }

  #link(): LinkParts {
    const { segment } = this;
    const ring = (): void => this.#frames.flush();
    const outlet = (of: number): MirrorOutlet => ({
      data: (start, bytes, head) => this.#frames.data(of, start, bytes, head),
      flush: ring,
    });
    const tellTail = (of: number) => (tail: number) => {
      this.#frames.frame(FRAME_TAIL, of, 0, tail, 0, 0);
      this.#planFlush();
    };
    return {
      port: new RingPort({
        writer: new MirrorWriter(segment.down!, outlet(MESSAGE_PARTS)),
        reader: new MirrorReader(segment.up!, tellTail(MESSAGE_PARTS), true),
        ring,
      }),
      writer: new MirrorWriter(segment.submission, outlet(RECORDS)),
      reader: new MirrorReader(segment.completion, tellTail(RECORDS), true),
      own: segment.parentBell,
      peer: { ring, ringSoftly: ring },
    };
  }

  #frameReader(): FrameReader {
    const { segment } = this;
    const copies = [new RingCopy(segment.completion), new RingCopy(segment.up!)];
    return new FrameReader({
      begin: ({ flag, a, b, c }) => ringOf(copies, flag).begin(a, b, c),
      filled: ({ flag, c }) => ringOf(copies, flag).filled(c),
      take: (frame) => this.#take(frame),
    });
  }

  #take({ kind, flag, slot, a, b, time }: Frame): void {
    const { segment } = this;
    switch (kind) {
      case FRAME_TAIL:
        return moveTail(ringOf([segment.submission, segment.down!], flag), a);
      case FRAME_BEGAN:
        return segment.began(slot, a, time, flag === 1);
      case FRAME_WANT:
        return this.#grants.wants(slot, a);
      case FRAME_RETURNED:
        if (segment.returned(slot, a, b)) this.#events.returned(slot, a);
        return;
      case FRAME_OVER:
        return segment.markOver(slot);
      default:
        throw new BrokenProtocol(`a frame of unknown kind ${kind}`);
    }
  }

  watch(events: WorkerEvents): WorkerEvents {
    this.#events = events;
    return {
      ...events,
      end: (slot, started, elapsed) => {
        this.#grants.ended(slot, started, elapsed);
        events.end(slot, started, elapsed);
      },
    };
  }

  connect(child: ChildProcess, broken: (error: Error) => void): void {
    this.#broken = broken;
    this.#out = child.stdio[3] as Duplex;
    this.#in = child.stdio[4] as Duplex;
    // The other ends are the child's: its exit is told by itself.
    for (const pipe of [this.#out, this.#in]) pipe.on('error', () => {});
    this.#in.on('data', (chunk: Uint8Array) => {
      this.#read(chunk);
      this.segment.parentBell.ring();
    });
    for (const bytes of this.#early ?? []) this.#out.write(bytes);
    this.#early = undefined;
  }

  #read(chunk: Uint8Array): void {
    if (this.#isBroken) return;
    try {
      this.#reader.take(chunk);
    } catch (error) {
      this.#fail(error as Error);
    }
  }

  #fail(error: Error): void {
    this.#isBroken = true;
    this.#broken(error);
  }

  settled(): void {}

  posted(slot: number, { operation, count }: JobHead): void {
    this.#grants.post(slot, operation, count);
  }

  flush(): void {
    this.#frames.flush();
  }

  /** What is said in one go is written as one. */
  #planFlush(): void {
    if (this.#flushPlanned) return;
    this.#flushPlanned = true;
    queueMicrotask(() => {
      this.#flushPlanned = false;
      this.#frames.flush();
    });
  }

  #write(bytes: Uint8Array): void {
    if (this.#early !== undefined) this.#early.push(bytes);
    else if (this.#out?.writable) this.#out.write(bytes);
  }

  look(): boolean {
    const done = this.#readNow();
    // Room may have been made for what waits.
    queueMicrotask(() => this.segment.parentBell.ring());
    return done;
  }

  /**
   * Reads what the pipe holds, past the event loop; true where it was empty. A child that writes to a full pipe can go
   * on only now, and of the system that gives no descriptor of a pipe nothing is known.
   */
  #readNow(): boolean {
    const pipe = this.#in as (Duplex & { _handle?: { fd?: number } | null }) | undefined;
    if (pipe === undefined || pipe.readableEnded || pipe.destroyed) return true;
    const fd = pipe._handle?.fd ?? -1;
    if (fd < 0) return false;
    const chunk = Buffer.allocUnsafe(CHUNK);
    for (let empty = true; ; empty = false) {
      let count = 0;
      try {
        count = readSync(fd, chunk);
      } catch {
        // Nothing more is there: EAGAIN.
      }
      if (count === 0) return empty;
      this.#read(chunk.subarray(0, count));
    }
  }

  close(): void {
    this.#readNow();
    this.#out?.destroy();
    this.#in?.destroy();
    this.#early = undefined;
  }
}

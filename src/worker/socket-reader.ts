/**
 * The thread in which a worker process reads what its parent sends, where they share no memory: it copies that to the memory
 * that it shares with the main thread, and wakes that. So it is heard in the midst of a task, and so is the parent's end.
 */
import { writeSync } from 'node:fs';
import { Socket } from 'node:net';
import { CLOSED, GrantedSegment, type MappedSegment, moveTail, RingCopy, SLOTS } from '../memory/index.js';
import {
  BrokenProtocol,
  FRAME_CANCEL,
  FRAME_CLOSE,
  FRAME_GRANT,
  FRAME_OPEN,
  FRAME_RETURNED,
  FRAME_TAIL,
  type Frame,
  FrameReader,
  FrameWriter,
  ringOf,
} from '../protocol/index.js';
import { pipeWriter } from './pipe.js';

const PIPE = 3;
/** Bytes read at a time. */
const CHUNK = 1 << 16;

export interface ReaderSetup {
  readonly buffers: MappedSegment;
  readonly grants: SharedArrayBuffer;
  readonly lock: SharedArrayBuffer;
}

export function startReader({ buffers, grants, lock }: ReaderSetup): void {
  const segment = new GrantedSegment(buffers, grants);
  const copies = [new RingCopy(segment.submission), new RingCopy(segment.down!)];
  const written = [segment.completion, segment.up!];
  const slots = new Slots(
    segment,
    new FrameWriter(
      pipeWriter(new Int32Array(lock), () => end('')),
      false,
    ),
  );
  const reader = new FrameReader({
    begin: ({ flag, a, b, c }) => ringOf(copies, flag).begin(a, b, c),
    filled: ({ flag, c }) => ringOf(copies, flag).filled(c),
    take: (frame) => {
      if (frame.kind === FRAME_TAIL) moveTail(ringOf(written, frame.flag), frame.a);
      else slots.take(frame);
    },
  });
  const socket = new Socket({
    fd: PIPE,
    readable: true,
    writable: false,
    onread: {
      buffer: Buffer.alloc(CHUNK),
      callback: (count: number, chunk: Uint8Array) => {
        try {
          reader.take(chunk.subarray(0, count));
        } catch (error) {
          end(`simul: a worker process was sent what it does not understand: ${(error as Error).message}\n`);
        }
        segment.workerBell.ring();
        return true;
      },
    },
  } as ConstructorParameters<typeof Socket>[0]);
  // The parent is gone.
  socket.on('end', () => end(''));
  socket.on('error', () => end(''));
  socket.resume();
}

/** What the parent says of the slots. */
class Slots {
  readonly #segment: GrantedSegment;
  readonly #pipe: FrameWriter;
  /** The number of what is posted in each: what was closed may have ended meanwhile, and another job be there. */
  readonly #posted = new Int32Array(SLOTS);

  constructor(segment: GrantedSegment, pipe: FrameWriter) {
    this.#segment = segment;
    this.#pipe = pipe;
  }

  take({ kind, slot, a }: Frame): void {
    switch (kind) {
      case FRAME_OPEN:
        this.#posted[slot] = a;
        return this.#segment.openSlot(slot);
      case FRAME_GRANT:
        return this.#segment.grant(slot, a);
      case FRAME_CLOSE:
        return this.#close(slot);
      case FRAME_CANCEL:
        return this.#segment.requestCancel(slot, a);
      default:
        throw new BrokenProtocol(`a frame of unknown kind ${kind}`);
    }
  }

  /** The main thread may be busy for long: the parent is told from here what will not begin. */
  #close(slot: number): void {
    const begun = this.#segment.close(slot);
    if (begun >= CLOSED) return;
    this.#pipe.frame(FRAME_RETURNED, 0, slot, begun, this.#posted[slot]!, 0);
    this.#pipe.flush();
  }
}

/** Ends the process, whatever its main thread does. */
function end(why: string): void {
  if (why !== '') writeSync(2, why);
  process.kill(process.pid, 'SIGKILL');
}

/**
 * The thread in which a worker process reads what its parent sends, where they share no memory: it copies that to the memory
 * that it shares with the main thread, and wakes that. So it is heard in the midst of a task, and so is the parent's end.
 */
import { writeSync } from 'node:fs';
import { Socket } from 'node:net';
import { GrantedSegment, type MappedSegment, moveTail, RingCopy } from '../memory/index.js';
import {
  BrokenProtocol,
  FRAME_CANCEL,
  FRAME_CLOSE,
  FRAME_GRANT,
  FRAME_OPEN,
  FRAME_TAIL,
  type Frame,
  FrameReader,
} from '../protocol/index.js';

const PIPE = 3;
/** Bytes read at a time. */
const CHUNK = 1 << 16;

export interface ReaderSetup {
  readonly buffers: MappedSegment;
  readonly grants: SharedArrayBuffer;
}

export function startReader({ buffers, grants }: ReaderSetup): void {
  const segment = new GrantedSegment(buffers, grants);
  const copies = [new RingCopy(segment.submission), new RingCopy(segment.down!)];
  const written = [segment.completion, segment.up!];
  const reader = new FrameReader({
    begin: ({ flag, a, b, c }) => of(copies, flag).begin(a, b, c),
    filled: ({ flag, c }) => of(copies, flag).filled(c),
    take: (frame) => take(segment, frame, (flag, tail) => moveTail(of(written, flag), tail)),
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

function take(
  segment: GrantedSegment,
  { kind, flag, slot, a }: Frame,
  tail: (ring: number, a: number) => void,
): void {
  switch (kind) {
    case FRAME_TAIL:
      return tail(flag, a);
    case FRAME_OPEN:
      return segment.openSlot(slot);
    case FRAME_GRANT:
      return segment.grant(slot, a);
    case FRAME_CLOSE:
      segment.close(slot);
      return;
    case FRAME_CANCEL:
      return segment.requestCancel(slot, a);
    default:
      throw new BrokenProtocol(`a frame of unknown kind ${kind}`);
  }
}

function of<T>(pair: readonly T[], flag: number): T {
  const one = pair[flag];
  if (one === undefined) throw new BrokenProtocol(`a frame for ring ${flag}`);
  return one;
}

/** Ends the process, whatever its main thread does. */
function end(why: string): void {
  if (why !== '') writeSync(2, why);
  process.kill(process.pid, 'SIGKILL');
}

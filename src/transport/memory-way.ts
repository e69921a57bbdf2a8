/** The way to a child over shared memory: see README.md. */
import type { ChildProcess } from 'node:child_process';
import { closeSync } from 'node:fs';
import type { Duplex } from 'node:stream';
import {
  MAPPED_BYTES,
  type MappedSegment,
  mapSegment,
  type Native,
  RingReader,
  RingWriter,
  Segment,
} from '../memory/index.js';
import { type LinkParts, RingPort } from '../protocol/index.js';
import type { WorkerEvents } from './transport.js';
import type { Way } from './way.js';

const RING = Uint8Array.of(1);

export class MemoryWay implements Way {
  readonly segment: Segment;
  readonly parts: LinkParts;
  readonly argument: string;
  readonly files: readonly [number, 'pipe'];
  readonly #bell = new Bell();

  constructor(system: Native) {
    const { file, buffers } = memory(system);
    this.argument = system.koffi;
    this.files = [file, 'pipe'];
    this.segment = new Segment(buffers, { wakeWorker: () => this.#bell.ring(), wakeParent: () => {} });
    const { segment } = this;
    const { parentBell: own, workerBell: peer } = segment;
    this.parts = {
      port: new RingPort({
        writer: new RingWriter(segment.down!),
        reader: new RingReader(segment.up!, true),
        ring: () => peer.ring(),
      }),
      writer: new RingWriter(segment.submission),
      reader: new RingReader(segment.completion, true),
      own,
      peer,
    };
    this.#bell.heard = () => own.heard();
  }

  watch(events: WorkerEvents): WorkerEvents {
    return events;
  }

  connect(child: ChildProcess): void {
    this.#bell.connect(child.stdio[4] as Duplex);
  }

  settled(): void {
    closeSync(this.files[0]);
  }

  posted(): void {}

  flush(): void {}

  look(): true {
    return true;
  }

  close(): void {
    this.#bell.close();
  }
}

/** Memory for a worker, mapped here: an open file, which the child is given. */
function memory(system: Native): { readonly file: number; readonly buffers: MappedSegment } {
  const file = system.create(MAPPED_BYTES);
  try {
    return { file, buffers: mapSegment((at, bytes) => system.map(file, at, bytes)) };
  } catch (error) {
    closeSync(file);
    throw error;
  }
}

/** The socket pair by which event loops are woken. */
class Bell {
  #socket: Duplex | undefined;
  /** Rung before there was a socket. */
  #due = false;
  heard: () => void = () => {};

  connect(socket: Duplex): void {
    this.#socket = socket;
    socket.on('data', () => this.heard());
    // The child's end: its exit is told by itself.
    socket.on('error', () => {});
    if (this.#due) this.ring();
  }

  ring(): void {
    if (this.#socket === undefined) this.#due = true;
    else if (this.#socket.writable) this.#socket.write(RING);
  }

  close(): void {
    this.#socket?.destroy();
  }
}

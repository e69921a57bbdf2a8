/**
 * A worker process's side of the way to its parent. The program's arguments are where koffi lies, or that there is no shared
 * memory, and the parent's pid. Over shared memory, descriptor 3 is that and descriptor 4 wakes event loops; for the other way
 * see `socket-channel.ts`. See the transport's README.
 */
import { closeSync, writeSync } from 'node:fs';
import { Socket } from 'node:net';
import { setEntry } from '../codec/index.js';
import { mapSegment, native, RingReader, RingWriter, Segment } from '../memory/index.js';
import { BY_SOCKET, RingPort } from '../protocol/index.js';
import type { WorkerRuntime } from './runtime.js';
import { openPipes } from './socket-channel.js';
import type { WorkerSetup } from './worker-setup.js';

const MEMORY = 3;
const BELL = 4;
/** How long one wait for room or for the setup lasts before the rings are looked at again, in ms. */
const PATIENCE = 50;

/** What a process is told first. */
export interface ProcessSetup extends Omit<WorkerSetup, 'segment' | 'port' | 'mirror' | 'channel'> {
  /** The script that must not run again here. */
  readonly entry: string | undefined;
}

const RING = Uint8Array.of(1);

/** What is this process's alone of the way to its parent. */
export type Way = Pick<WorkerSetup, 'mirror' | 'channel'> & {
  readonly segment: Segment;
  readonly port: RingPort;
  /** Called once the parent has been heard of. */
  listen(): void;
};

/** Opens the way to the parent and waits for what it says first. */
export function openProcess(): WorkerSetup {
  const [place, parent] = process.argv.splice(2);
  // Pipes that are written to only are no reason to stay, or not to block.
  for (const stream of [process.stdout, process.stderr]) (stream as unknown as Partial<Socket>).unref?.();
  // A terminal sends the one to all, what stops services the other: whether the program ends is for the parent to say.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => {});
  const { listen, ...way } = place === BY_SOCKET ? openPipes() : openMemory(place);
  // It may have ended before it could be asked to tell.
  if (process.ppid !== Number(parent)) process.exit(1);
  const setup = firstMessage(way.port, way.segment);
  if (setup.entry !== undefined) setEntry(setup.entry);
  listen();
  return { ...setup, ...way };
}

function openMemory(koffi: string | undefined): Way {
  const system = native(koffi);
  system.dieWithParent();
  const buffers = mapSegment((at, bytes) => system.map(MEMORY, at, bytes));
  closeSync(MEMORY);
  const segment = new Segment(buffers, { wakeParent, wakeWorker: () => {} });
  const { parentBell, workerBell } = segment;
  const port = new RingPort({
    writer: new RingWriter(segment.up!),
    reader: new RingReader(segment.down!),
    ring: () => parentBell.ring(),
    patience: PATIENCE,
  });
  return { segment, port, channel: 'PipeWrap', listen: () => listen(() => workerBell.heard()) };
}

function firstMessage(port: RingPort, { workerBell }: Segment): ProcessSetup {
  for (;;) {
    const first = port.receive();
    if (first !== undefined) return first.message as ProcessSetup;
    const seen = workerBell.announce();
    if (port.empty) workerBell.waitSync(seen, PATIENCE);
    workerBell.withdraw();
  }
}

/** Wakes the parent's event loop. Where there is no room for a byte, there are enough of them. */
function wakeParent(): void {
  try {
    writeSync(BELL, RING);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') process.exit(1);
  }
}

function listen(heard: () => void): void {
  const socket = new Socket({
    fd: BELL,
    readable: true,
    writable: false,
    onread: {
      buffer: Buffer.alloc(256),
      callback: () => {
        heard();
        return true;
      },
    },
  } as ConstructorParameters<typeof Socket>[0]);
  // The parent is gone.
  socket.on('end', () => process.exit(1));
  socket.on('error', () => process.exit(1));
  socket.resume();
}

/** An error that nobody catches ends the process as it would end a program, once the parent has been told. */
export function tellOfDeath(runtime: WorkerRuntime): void {
  process.on('uncaughtExceptionMonitor', (error) => {
    if (process.listenerCount('uncaughtException') > 0 || process.hasUncaughtExceptionCaptureCallback())
      return;
    runtime.dies(error);
    // What Node would do too, but it would print the error first, which the parent tells.
    process.exit(1);
  });
}

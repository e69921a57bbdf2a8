/**
 * A worker process's side of the way to its parent where they share no memory: frames by two pipes, descriptor 3 to here, which a
 * thread of its own reads (`socket-reader.ts`), and descriptor 4 from here. See the transport's README.
 */
import { writeSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import { EngineError } from '../errors.js';
import {
  GrantedSegment,
  type MirrorOutlet,
  MirrorReader,
  MirrorWriter,
  mapSegment,
  SLOTS,
} from '../memory/index.js';
import {
  FRAME_BEGAN,
  FRAME_OVER,
  FRAME_TAIL,
  FRAME_WANT,
  FrameWriter,
  MESSAGE_PARTS,
  RECORDS,
  RingPort,
} from '../protocol/index.js';
import { threadEntry } from '../util/own-folder.js';
import { pipeWriter } from './pipe.js';
import type { Way } from './process-channel.js';
import type { ReaderSetup } from './socket-reader.js';

/** How long one wait for room lasts before the rings are looked at again, in ms. */
const PATIENCE = 50;
/** Where a child that is given its code as text finds that. */
const SOURCE = Symbol.for('simul.source');

export function openPipes(): Way {
  const buffers = mapSegment((_, bytes) => new SharedArrayBuffer(bytes));
  const grants = new SharedArrayBuffer(SLOTS * 4);
  const lock = new SharedArrayBuffer(4);
  startReading({ buffers, grants, lock });
  const pipe = new FrameWriter(pipeWriter(new Int32Array(lock), () => process.exit(1)));
  const send = (kind: number, slot: number, a: number): void => {
    pipe.frame(kind, 0, slot, a, 0, 0);
    pipe.flush();
  };
  const segment = new GrantedSegment(buffers, grants, {
    began: (slot, item, time, stamped) => {
      pipe.timed(FRAME_BEGAN, stamped ? 1 : 0, slot, item, time);
      pipe.flush();
    },
    wants: (slot, item) => send(FRAME_WANT, slot, item),
    over: (slot) => send(FRAME_OVER, slot, 0),
    flush: () => pipe.flush(),
  });
  const outlet = (ring: number): MirrorOutlet => ({
    data: (start, bytes, head) => pipe.data(ring, start, bytes, head),
    flush: () => pipe.flush(),
  });
  const tellTail = (ring: number) => (tail: number) => {
    pipe.frame(FRAME_TAIL, ring, 0, tail, 0, 0);
    pipe.flush();
  };
  const ring = (): void => pipe.flush();
  process.on('exit', ring);
  return {
    segment,
    port: new RingPort({
      writer: new MirrorWriter(segment.up!, outlet(MESSAGE_PARTS)),
      reader: new MirrorReader(segment.down!, tellTail(MESSAGE_PARTS)),
      ring,
      patience: PATIENCE,
    }),
    mirror: {
      writer: new MirrorWriter(segment.completion, outlet(RECORDS)),
      reader: new MirrorReader(segment.submission, tellTail(RECORDS)),
      // Results go with the next item's beginning, or the end of the job, which follow at once.
      peer: { ring, ringSoftly: () => {} },
    },
    channel: 'Worker',
    listen: () => {},
  };
}

/** The thread keeps the event loop going. */
function startReading(setup: ReaderSetup): void {
  const entry = threadEntry();
  const source = (globalThis as Record<symbol, unknown>)[SOURCE] as string | undefined;
  if (entry === undefined && source === undefined) throw new EngineError('the code of the worker is nowhere');
  let reader: Worker;
  try {
    // What the program has loaded into all its threads is of no use in this one.
    reader = new Worker(entry ?? source!, {
      eval: entry === undefined,
      workerData: { simulReader: setup },
      name: 'simul reader',
      execArgv: [],
      env: {},
    });
  } catch (error) {
    // The pool tells what was printed last, and Node would print much.
    const { code, message } = error as NodeJS.ErrnoException;
    const how = code === 'ERR_ACCESS_DENIED' ? ' (--allow-worker)' : '';
    writeSync(2, `simul: without shared memory a process needs a thread that reads: ${message}${how}\n`);
    process.exit(1);
  }
  reader.on('error', (error) => {
    process.nextTick(() => {
      throw error;
    });
  });
}

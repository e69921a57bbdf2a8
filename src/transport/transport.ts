/**
 * The seam between an engine and the workers it drives. A transport is naive: it starts one worker, moves
 * jobs and messages, and tells what happened, in the order in which it happened. `exit` is its last event, and
 * it comes exactly once for a worker whose `start` was called.
 */
import { types } from 'node:util';
import type { AssetStore, Packed } from '../codec/index.js';
import type { ItemTimes, JobHead, NestedRequest, Numbers, StreamPart, ToWorker } from '../protocol/index.js';
import type { Batch } from './batch.js';

/** Bytes and what belongs to them. `bytes` may be a view on shared memory, valid during the event only. */
export type Body = Packed;

const NOTHING: readonly never[] = [];

/** A body of bytes alone. */
export function plainBody(bytes: Uint8Array): Body {
  return { bytes, extras: NOTHING, transfer: NOTHING, assets: NOTHING, modules: NOTHING };
}

export interface ExitReason {
  readonly code: number | undefined;
  /** What ended the worker, where it was an error that nobody caught. */
  readonly error: unknown;
  /** Of a process: the signal that ended it, and the last lines of what was written to its stderr. */
  readonly signal?: NodeJS.Signals | undefined;
  readonly stderr?: string | undefined;
}

export interface WorkerEvents {
  ready(): void;
  /** `init` failed: the worker will take no job. */
  failed(error: Body): void;
  result(slot: number, item: number, failed: boolean, body: Body, times: ItemTimes): void;
  /** Results of consecutive items from `first` on; valid during the event only. */
  results(slot: number, first: number, batch: Batch): void;
  stream(slot: number, item: number, part: StreamPart): void;
  progress(slot: number, item: number, done: number, total: number | undefined): void;
  /** The job's slot is free again. */
  end(slot: number, started: number, elapsed: number): void;
  /** Of what may have started when the slot was closed, so many items had; the others will not. */
  returned(slot: number, started: number): void;
  /** The last item of the job has started, and wants the parts of it that are moved. */
  fetch(slot: number): void;
  waiting(slot: number, waiting: boolean): void;
  request(request: NestedRequest): void;
  /** It no longer relies on the assets that it was last told to unlearn. */
  unlearned(): void;
  /** Of a process that was measured: bytes of memory that it has. */
  memory(bytes: number): void;
  stopping(): void;
  stopped(): void;
  exit(reason: ExitReason): void;
}

/** Some items of a packed list: `offsets[i]` is where item `i` begins, one more offset at the end. */
export interface Items {
  readonly packed: Packed;
  readonly offsets: Uint32Array | readonly number[];
  /** The items, where all are numbers: then nothing is in the list. */
  readonly column: Numbers | undefined;
}

/** Items as a message brings them. */
export interface ItemParts {
  readonly offsets: Uint32Array;
  readonly bytes: Uint8Array;
  readonly column: Numbers | undefined;
}

/** Items `[from, from + count)`, to be sent in a message. */
export function partsOf({ packed, offsets, column }: Items, from: number, count: number): ItemParts {
  if (column !== undefined) {
    return {
      offsets: new Uint32Array(0),
      bytes: new Uint8Array(0),
      column: column.slice(from, from + count),
    };
  }
  const start = offsets[from]!;
  const end = from + count;
  const part = Uint32Array.from(offsets.slice(from, end + 1), (offset) => offset - start);
  return { offsets: part, bytes: packed.bytes.slice(start, offsets[end]), column };
}

/** Of the parts beside an item's bytes: one that is moved. The others are in shared memory or can be cloned. */
export function isMoved(extra: unknown): extra is ArrayBuffer {
  return types.isArrayBuffer(extra);
}

export interface WorkerHandle {
  /** Sends a message; it arrives before any job posted after it. */
  send(message: ToWorker, transfer?: readonly unknown[]): void;
  /** Posts items `[from, from + head.count)`; false where there is no room now. */
  tryPost(slot: number, head: JobHead, items: Items, from: number): boolean;
  /** Makes posted jobs visible. `expected`: ms that a job takes, where that is known. */
  flush(expected: number | undefined): void;
  /** Takes what the worker has sent so far; false where more may be on its way: it may have waited for this. */
  look(): boolean;
  openSlot(slot: number): void;
  /**
   * Lets nothing more of the job start: how many items had started, or may have, or are about to, for all that is known here;
   * `CLOSED` and more if closed before. The job's end says how many have.
   */
  close(slot: number): number;
  started(slot: number): number;
  /** When the running item of the slot started, in ms of this thread's `performance.now`; 0 for not stamped. */
  startedAt(slot: number): number;
  /** The item that has started is over: only its result has not come yet. */
  isOver(slot: number): boolean;
  /** Asks one item of the job to stop; -1 for whichever runs. */
  requestCancel(slot: number, item: number): void;
  /** Worker clock to this thread's clock, in ms. */
  toLocalTime(time: number): number;
  /** Of a process: `memory` follows, at once where the system says it, else once the worker is between two tasks. */
  measure?(): void;
  /** Stops the worker now. `exit` follows. */
  terminate(): void;
}

/** How to start one worker. */
export interface WorkerSpec {
  /** Its number; below 0 for one that is given it later. */
  readonly worker: number;
  /** How many workers its pool has. */
  readonly workers: number;
  readonly tasksPerWorker: number;
  readonly name: string;
  readonly init: Packed | undefined;
  /** MiB of old-generation heap, best effort. */
  readonly maxHeapMiB: number | undefined;
  readonly env: NodeJS.ProcessEnv | undefined;
  readonly execArgv: readonly string[] | undefined;
}

export type StartWorker = (spec: WorkerSpec, events: WorkerEvents, assets: AssetStore) => WorkerHandle;

/** The shared memory of one worker: two rings and the slots of the jobs posted to it. */
import { add, load, or, store } from './atomics.js';
import { DOORBELL_WORDS, Doorbell } from './doorbell.js';
import { Ring } from './ring.js';

/** Jobs that may be posted to one worker at a time. */
export const SLOTS = 4096;
/** Set in a claim word once nothing more of the job may start. */
export const CLOSED = 1 << 30;

// Control words, each alone on its cache line of 64 bytes, each with one writer unless it says otherwise.
const SUBMISSION_HEAD = 0; // parent
const SUBMISSION_TAIL = 16; // worker
const COMPLETION_HEAD = 32; // worker
const COMPLETION_TAIL = 48; // parent
const WORKER_BELL = 64; // rung by the parent
const PARENT_BELL = WORKER_BELL + DOORBELL_WORDS; // rung by the worker
// Of the rings that carry messages where there is no port: between processes.
const DOWN_HEAD = PARENT_BELL + DOORBELL_WORDS; // parent
const DOWN_TAIL = DOWN_HEAD + 16; // worker
const UP_HEAD = DOWN_HEAD + 32; // worker
const UP_TAIL = DOWN_HEAD + 48; // parent
const CONTROL_WORDS = DOWN_HEAD + 64;

/** What is sent to the worker when it starts. */
export interface SegmentBuffers {
  readonly control: SharedArrayBuffer;
  readonly submission: SharedArrayBuffer;
  readonly completion: SharedArrayBuffer;
  readonly slots: SharedArrayBuffer;
}

/** The same in memory that two processes have mapped, and two rings for messages. */
export type MappedSegment = Readonly<Record<keyof SegmentBuffers | 'down' | 'up', ArrayBufferLike>>;

/** What wakes the event loops of two processes, each called by the other one. */
export interface FarBells {
  wakeWorker(): void;
  wakeParent(): void;
}

export function createSegment(ringBytes = 1 << 20): SegmentBuffers {
  return {
    control: new SharedArrayBuffer(CONTROL_WORDS * 4),
    submission: new SharedArrayBuffer(ringBytes),
    completion: new SharedArrayBuffer(ringBytes),
    slots: new SharedArrayBuffer(SLOTS * 16),
  };
}

/** Where the parts of a segment lie in a file that both processes map: multiples of the largest page size in use. */
const PAGE = 1 << 16;
const RING = 1 << 20;
/** What waits for room is written again by the event loop: large arrays are not to wait for it too often. */
const MESSAGE_RING = 1 << 22;
const LAYOUT: readonly (readonly [keyof MappedSegment, number])[] = [
  ['control', PAGE],
  ['slots', SLOTS * 16],
  ['submission', RING],
  ['completion', RING],
  ['down', MESSAGE_RING],
  ['up', MESSAGE_RING],
];
export const MAPPED_BYTES = PAGE + SLOTS * 16 + 2 * RING + 2 * MESSAGE_RING;

/** Makes the parts of a segment by `map`, which gives the bytes of the file from `at` on. */
export function mapSegment(map: (at: number, bytes: number) => ArrayBufferLike): MappedSegment {
  const parts: Partial<Record<keyof MappedSegment, ArrayBufferLike>> = {};
  let at = 0;
  for (const [name, bytes] of LAYOUT) {
    parts[name] = map(at, bytes);
    at += bytes;
  }
  return parts as MappedSegment;
}

/**
 * Views on a worker's segment. A slot is 16 bytes: the claim word (how many items of the job have started;
 * `CLOSED` or more once nothing more may start; contested between worker and parent), the cancel word (0, or one
 * more than the number of the item that the parent asks to stop, or -1 for all), and a double: when the running item started, in ms of the
 * worker's clock, negative once it is over and its result waits for room (written by the worker).
 */
export class Segment {
  readonly control: Int32Array;
  readonly submission: Ring;
  readonly completion: Ring;
  /** What the worker waits at. */
  readonly workerBell: Doorbell;
  /** What the parent waits at. */
  readonly parentBell: Doorbell;
  /** Messages to the worker and to the parent, where both are processes. */
  readonly down: Ring | undefined;
  readonly up: Ring | undefined;
  readonly #slots: Int32Array;
  readonly #times: Float64Array;

  constructor(buffers: SegmentBuffers | MappedSegment, bells?: FarBells) {
    this.control = new Int32Array(buffers.control);
    this.submission = new Ring(this.control, SUBMISSION_HEAD, SUBMISSION_TAIL, buffers.submission);
    this.completion = new Ring(this.control, COMPLETION_HEAD, COMPLETION_TAIL, buffers.completion);
    this.workerBell = new Doorbell(this.control, WORKER_BELL, bells?.wakeWorker);
    this.parentBell = new Doorbell(this.control, PARENT_BELL, bells?.wakeParent);
    if ('down' in buffers) {
      this.down = new Ring(this.control, DOWN_HEAD, DOWN_TAIL, buffers.down);
      this.up = new Ring(this.control, UP_HEAD, UP_TAIL, buffers.up);
    }
    this.#slots = new Int32Array(buffers.slots);
    this.#times = new Float64Array(buffers.slots);
  }

  /** Parent, before it posts: an empty slot for a job. */
  openSlot(slot: number): void {
    this.#times[slot * 2 + 1] = 0;
    store(this.#slots, slot * 4 + 1, 0);
    store(this.#slots, slot * 4, 0);
  }

  /** Worker: claims the next item; its number, or `CLOSED` and more where the job was taken back. */
  claim(slot: number): number {
    return add(this.#slots, slot * 4, 1);
  }

  /** Worker: what the next claim would give now. */
  protected claimed(slot: number): number {
    return load(this.#slots, slot * 4);
  }

  /** Worker: a claim has an answer: always so, but where items have to be granted (`granted-slots.ts`). */
  mayClaim(_slot: number): boolean {
    return true;
  }

  /** Worker: waits until it has, as long as `timeoutMs`. */
  waitToClaim(_slot: number, _timeoutMs: number): boolean {
    return true;
  }

  /** Either side: lets nothing more start and says how many had started, or `CLOSED` and more if closed before. */
  close(slot: number): number {
    return or(this.#slots, slot * 4, CLOSED);
  }

  /** How many items have started, whether or not the slot was closed by the worker since. */
  started(slot: number): number {
    return load(this.#slots, slot * 4) & (CLOSED - 1);
  }

  /** Parent: asks an item to stop; -1 for whichever runs. */
  requestCancel(slot: number, item: number): void {
    store(this.#slots, slot * 4 + 1, item < 0 ? -1 : item + 1);
  }

  cancelRequested(slot: number, item: number): boolean {
    const word = load(this.#slots, slot * 4 + 1);
    return word === -1 || word === item + 1;
  }

  /** Worker: the item that starts now. Read without order: it steers timers only. */
  markStart(slot: number, now: number): void {
    this.#times[slot * 2 + 1] = now;
  }

  /** Worker: the item that was marked is over, though its result waits for room. */
  markOver(slot: number): void {
    this.#times[slot * 2 + 1] = -Math.abs(this.#times[slot * 2 + 1]!);
  }

  startedAt(slot: number): number {
    return Math.abs(this.#times[slot * 2 + 1]!);
  }

  /** The item that was marked last is over. */
  isOver(slot: number): boolean {
    return this.#times[slot * 2 + 1]! < 0;
  }
}

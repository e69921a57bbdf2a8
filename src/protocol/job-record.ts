/** A job in the submission ring: the doubles of its head, then its items, as a column of numbers or packed ones with where each begins. */
import { HEADER_WORDS } from '../memory/index.js';
import type { Link } from './link.js';
import {
  INDEX,
  JOB_DOUBLES,
  type JobHead,
  KIND,
  type Numbers,
  RECORD_COLUMN_JOB,
  SLOT,
  type ToParent,
  type ToWorker,
} from './messages.js';

export interface JobRecord {
  readonly slot: number;
  readonly head: JobHead;
  /** The items, where all are numbers: then there are no offsets and no bytes. */
  readonly column: Numbers | undefined;
  readonly offsets: Uint32Array;
  readonly bytes: Uint8Array;
}

const NO_OFFSETS = new Uint32Array(0);
const NO_BYTES = new Uint8Array(0);

/** Writes the head of a job into the record at `header`; the index of the word behind it. */
export function writeJobHead(doubles: Float64Array, header: number, head: JobHead): number {
  let d = (header + HEADER_WORDS) >> 1;
  doubles[d++] = head.operation;
  doubles[d++] = head.base;
  doubles[d++] = head.count;
  doubles[d++] = head.attempt;
  doubles[d++] = head.limit;
  doubles[d++] = head.task;
  doubles[d++] = head.first;
  return d << 1;
}

/** Takes the job at `header` out of the ring: copied, as it may outlive the record, and user code must not run on memory that others write. */
export function takeJobRecord(link: Link<ToParent, ToWorker>, header: number): JobRecord {
  const { ring } = link.reader;
  const slot = ring.words[header + SLOT]!;
  const isColumn = ring.words[header + KIND] === RECORD_COLUMN_JOB;
  const width = ring.words[header + INDEX];
  const head = readJobHead(ring.doubles, header);
  const payload = link.payload(header).slice(JOB_DOUBLES * 8);
  link.reader.release(header);
  const { buffer } = payload;
  if (isColumn) {
    const column = width === 4 ? new Int32Array(buffer) : new Float64Array(buffer);
    return { slot, head, column, offsets: NO_OFFSETS, bytes: NO_BYTES };
  }
  const offsets = new Uint32Array(buffer, 0, head.count + 1);
  const start = ((head.count + 2) >> 1) * 8;
  return { slot, head, column: undefined, offsets, bytes: payload.subarray(start) };
}

function readJobHead(doubles: Float64Array, header: number): JobHead {
  const d = (header + HEADER_WORDS) >> 1;
  return {
    operation: doubles[d]!,
    base: doubles[d + 1]!,
    count: doubles[d + 2]!,
    attempt: doubles[d + 3]!,
    limit: doubles[d + 4]!,
    task: doubles[d + 5]!,
    first: doubles[d + 6]!,
  };
}

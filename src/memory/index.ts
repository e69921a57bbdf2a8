export { exchange, load, store } from './atomics.js';
export { HEADER_WORDS, Ring, RingReader, RingWriter } from './ring.js';
export {
  CLOSED,
  createSegment,
  PARENT_PARKED,
  Segment,
  type SegmentBuffers,
  SLOTS,
  WORKER_PARKED,
} from './segment.js';

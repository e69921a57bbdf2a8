export { load, store } from './atomics.js';
export { Doorbell } from './doorbell.js';
export { LANES, LoopCounter, type LoopWords } from './loop-counter.js';
export { type Native, native } from './native.js';
export { HEADER_WORDS, Ring, RingReader, RingWriter } from './ring.js';
export {
  CLOSED,
  createSegment,
  type FarBells,
  MAPPED_BYTES,
  type MappedSegment,
  mapSegment,
  Segment,
  type SegmentBuffers,
  SLOTS,
} from './segment.js';

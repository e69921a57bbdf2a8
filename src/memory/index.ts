export { load, sleep, store } from './atomics.js';
export { Doorbell } from './doorbell.js';
export { type ClaimOutlet, GrantedSegment, NOT_YET } from './granted-slots.js';
export { withLock } from './lock.js';
export { LANES, LoopCounter, type LoopWords } from './loop-counter.js';
export { type MirrorOutlet, MirrorReader, MirrorWriter, moveTail, RingCopy } from './mirror.js';
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

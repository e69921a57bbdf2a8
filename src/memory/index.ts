export { Doorbell } from './doorbell.js';
export { HEADER_WORDS, Ring, RingReader, RingWriter } from './ring.js';
export { CLOSED, createSegment, Segment, type SegmentBuffers, SLOTS } from './segment.js';

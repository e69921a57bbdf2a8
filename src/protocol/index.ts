export { BrokenProtocol } from './broken-protocol.js';
export * from './frames.js';
export { takeJobRecord, writeJobHead } from './job-record.js';
export { Link, type LinkParts, type RecordHead } from './link.js';
export * from './messages.js';
export { RingPort } from './ring-port.js';
export { fromWire, toWire } from './wire.js';

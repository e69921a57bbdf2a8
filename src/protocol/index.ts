export { Link, type LinkParts, type RecordHead } from './link.js';
export * from './messages.js';
export { fromWire, toWire } from './wire.js';

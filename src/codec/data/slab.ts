import { types } from 'node:util';
import * as threads from 'node:worker_threads';

/** Present since Node.js 21. */
const isMarked = (threads as { isMarkedAsUntransferable?(value: object): boolean }).isMarkedAsUntransferable;

/**
 * Whether it is a view of the slab that Node.js cuts small Buffers from. Node.js marks it since version 21; before, a
 * buffer of its size that is used in small parts is taken for it.
 */
export function isSlab({ buffer, byteLength }: ArrayBufferView): boolean {
  if (types.isSharedArrayBuffer(buffer)) return false;
  const more = buffer.byteLength - Buffer.poolSize;
  if (isMarked === undefined) return more === 0 && byteLength < Buffer.poolSize >>> 1;
  // Node.js 26 makes it a little larger, to align it.
  return more >= 0 && more < 1024 && isMarked(buffer);
}

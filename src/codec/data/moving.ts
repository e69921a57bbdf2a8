/**
 * Buffers that are to be moved. `transfer` marks them; the encoder takes the content of a marked one out of it, once
 * the item it belongs to is written, and the mark has done its work: the buffer has no content any more.
 */
import { types } from 'node:util';
import * as threads from 'node:worker_threads';
import { isSlab } from './slab.js';

const marked = new WeakSet<object>();

/** Present since Node.js 21. */
const isUntransferable = (threads as { isMarkedAsUntransferable?(value: object): boolean })
  .isMarkedAsUntransferable;

/**
 * Sends the buffers of a value by moving them instead of copying: as an argument, an item, a part of one, or what a
 * task returns or yields. Gives the value itself; when it has been sent, every `ArrayBuffer` in it (also in arrays, maps,
 * sets and properties), and all views of those, are empty here.
 *
 * Where a buffer cannot be moved it is copied as ever and stays: shared memory (which never is copied), memory of
 * WebAssembly, small Buffers that share Node's pool, and captured variables, which every worker has to get. With `retries` the
 * bytes are kept until the task is over, and each attempt gets a copy.
 */
export function transfer<T>(value: T): T {
  const seen = new Set<object>();
  const rest: unknown[] = [value];
  const look = (part: unknown): void => {
    if (typeof part === 'object' && part !== null) rest.push(part);
  };
  while (rest.length > 0) {
    const part = rest.pop();
    if (typeof part !== 'object' || part === null || seen.has(part)) continue;
    seen.add(part);
    if (ArrayBuffer.isView(part)) {
      if (!isSlab(part)) mark(part.buffer);
    } else if (types.isAnyArrayBuffer(part)) mark(part);
    else if (Array.isArray(part)) for (const item of part) look(item);
    else if (types.isMap(part)) {
      for (const [key, item] of part) {
        look(key);
        look(item);
      }
    } else if (types.isSet(part)) for (const item of part) look(item);
    else for (const item of Object.values(part)) look(item);
  }
  return value;
}

function mark(buffer: ArrayBufferLike): void {
  if (types.isArrayBuffer(buffer) && isUntransferable?.(buffer) !== true) marked.add(buffer);
}

export const isToBeMoved = (buffer: object): boolean => marked.has(buffer);

/** The content of a marked buffer, in a buffer of its own; the marked one is empty then, where it can be. */
export function take(buffer: ArrayBuffer): ArrayBuffer {
  marked.delete(buffer);
  // Node's mark means nothing to the language's own method.
  if (isUntransferable?.(buffer) === true) return buffer.slice(0);
  try {
    const { transfer: own } = buffer as ArrayBuffer & { transfer?(): ArrayBuffer };
    // Node.js 20 has no such method; it leaves what cannot be moved as it is, and copies.
    return own === undefined ? structuredClone(buffer, { transfer: [buffer] }) : own.call(buffer);
  } catch {
    return buffer.slice(0);
  }
}

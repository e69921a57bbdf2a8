/**
 * Most of what a large copy takes is the system's handing out of fresh memory, page by page. Where system calls can be made
 * anyway (`native.ts`), it is asked for pages of 2 MB, which takes a fraction of that. A hint, no more: not every system has such
 * pages, and a virtual machine has to be given memory itself that it has never used, which takes as long in any size.
 */

/** Smaller copies are not worth the call, and might get more memory than they need. */
const LEAST = 1 << 22;

let advise: ((bytes: Uint8Array) => void) | undefined;

/** From now on `ask` is called with fresh memory before anything is written to it. */
export function useLargePages(ask: (bytes: Uint8Array) => void): void {
  advise = ask;
}

/** The buffer, which nothing has been written to. */
export function inLargePages<B extends ArrayBufferLike>(buffer: B): B {
  if (buffer.byteLength >= LEAST) advise?.(new Uint8Array(buffer));
  return buffer;
}

/** A copy in memory of its own. */
export function freshCopyOf(bytes: Uint8Array): ArrayBuffer {
  // Not cleared first, as a new buffer would be.
  if (advise === undefined || bytes.byteLength < LEAST) return new Uint8Array(bytes).buffer;
  const copy = inLargePages(new ArrayBuffer(bytes.byteLength));
  new Uint8Array(copy).set(bytes);
  return copy;
}

/** A copy in shared memory. */
export function freshSharedCopyOf(bytes: Uint8Array): SharedArrayBuffer {
  const copy = inLargePages(new SharedArrayBuffer(bytes.byteLength));
  new Uint8Array(copy).set(bytes);
  return copy;
}

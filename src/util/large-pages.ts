/**
 * Most of what a large copy takes is the system's handing out of fresh memory, page by page. Where system calls can be made
 * anyway (`native.ts`), it is asked for pages of 2 MB, which takes a fraction of that. Not everywhere: a virtual machine that gives
 * unused memory back to its host has to be given large pages anew each time, which takes longer than small ones that it still
 * has. So they are touched here and timed, and where that was slow they are asked for less and less.
 */

/** Smaller copies are not worth the call, and might get more memory than they need. */
const LEAST = 1 << 22;
const LARGE_PAGE = 1 << 21;
/** To be given a large page takes some tenth of a ms, or some ms; small ones of as much memory take one between, in ms. */
const SLOW = 0.75;
/** After slow ones, twice as many chances are passed over as after the slow ones before, up to this. */
const MOST_SKIPPED = 64;

let advise: ((bytes: Uint8Array) => void) | undefined;
let skipped = 0;
let toSkip = 0;

/** From now on `ask` is called with fresh memory before anything is written to it. */
export function useLargePages(ask: (bytes: Uint8Array) => void): void {
  advise = ask;
  skipped = 0;
  toSkip = 0;
}

/** The buffer, which nothing has been written to. */
export function inLargePages<B extends ArrayBufferLike>(buffer: B): B {
  if (advise === undefined || buffer.byteLength < LEAST) return buffer;
  if (toSkip > 0) {
    toSkip -= 1;
    return buffer;
  }
  const bytes = new Uint8Array(buffer);
  advise(bytes);
  const begun = performance.now();
  for (let at = 0; at < bytes.length; at += LARGE_PAGE) bytes[at] = 0;
  const each = (performance.now() - begun) / (bytes.length / LARGE_PAGE);
  skipped = each < SLOW ? 0 : Math.min(MOST_SKIPPED, skipped * 2 + 1);
  toSkip = skipped;
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

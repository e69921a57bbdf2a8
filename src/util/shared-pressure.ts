/**
 * V8 does not count shared memory: however much of it is garbage, that is no reason for it to collect any, and what is let
 * go of would stay until something else fills the heap. So whoever lets go of much says so here, in each thread.
 */

/** Bytes let go of before V8 is made to collect; more where the heap is large, as that takes longer. */
const LEAST = 64 * 2 ** 20;
/** Memory that V8 does count: above what it lets pass between two collections. Never touched, so it takes none. */
const WEIGHT = 128 * 2 ** 20;

type Resizable = new (length: number, options: { maxByteLength: number }) => ArrayBuffer;

let left = 0;

/** `bytes` of shared memory are not needed here any more. */
export function sharedMemoryLeft(bytes: number): void {
  left += bytes;
  if (left < LEAST || left < process.memoryUsage().heapUsed / 2) return;
  left = 0;
  try {
    // A plain one would be cleared, where its memory has been used before.
    new (ArrayBuffer as unknown as Resizable)(WEIGHT, { maxByteLength: WEIGHT });
  } catch {
    // No room for it: V8 has just collected all there is, to find some.
  }
}

/**
 * V8 does not count shared memory: however much of it is garbage, that is no reason for it to collect any, and what is let
 * go of would stay until something else fills the heap. So whoever takes or lets go of much says so here, in each thread.
 */

/** Bytes let go of, or taken, before V8 is made to collect; more where much is in use, as that takes longer. */
const LEAST = 64 * 2 ** 20;
/** Memory that V8 does count: above what it lets pass between two collections. Never touched, so it takes none. */
const WEIGHT = 128 * 2 ** 20;

type Resizable = new (length: number, options: { maxByteLength: number }) => ArrayBuffer;

/** Since the last collection that was made to happen, in bytes. */
let taken = 0;
let left = 0;
/** In bytes, as far as it was told. */
let inUse = 0;

/** `bytes` of shared memory were allocated: what was used before and is out of reach by now is noticed. */
export function sharedMemoryTaken(bytes: number): void {
  taken += bytes;
  if (taken >= LEAST && taken >= inUse) collect();
  inUse += bytes;
}

/** `bytes` of shared memory are not needed here any more. */
export function sharedMemoryLeft(bytes: number): void {
  sharedMemoryCollected(bytes);
  left += bytes;
  if (left >= LEAST && left >= process.memoryUsage().heapUsed / 2) collect();
}

/** `bytes` of shared memory were found to be out of reach. */
export function sharedMemoryCollected(bytes: number): void {
  inUse = Math.max(0, inUse - bytes);
}

function collect(): void {
  taken = 0;
  left = 0;
  try {
    // A plain one would be cleared, where its memory has been used before.
    new (ArrayBuffer as unknown as Resizable)(WEIGHT, { maxByteLength: WEIGHT });
  } catch {
    // No room for it: V8 has just collected all there is, to find some.
  }
}

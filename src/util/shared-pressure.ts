/**
 * V8 does not count shared memory: however much of it is garbage, that is no reason for it to collect any, and what is let
 * go of would stay until something else fills the heap. So whoever takes or lets go of much says so here, in each thread.
 */

/** Bytes let go of, or taken, before V8 is asked to collect; more where much is in use, as that takes longer. */
const LEAST = 64 * 2 ** 20;
/** After so many more bytes it is asked again: now and then it only begins, or has something to finish first. */
const AGAIN = 16 * 2 ** 20;
/** Memory that V8 does count: above what it lets pass between two collections. Never touched, so it takes none. */
const WEIGHT = 256 * 2 ** 20;

type Resizable = new (length: number, options: { maxByteLength: number }) => ArrayBuffer;

/** In bytes, since V8 has last collected. */
let taken = 0;
let left = 0;
/** What both were together when it was last asked to. */
let asked = 0;
/** In bytes, as far as it was told. */
let inUse = 0;
let watching = false;

/** Goes when V8 collects. */
const canary = new FinalizationRegistry<undefined>(() => {
  taken = 0;
  left = 0;
  asked = 0;
  watching = false;
});

/** `bytes` of shared memory were allocated: what was used before and is out of reach by now is to be noticed. */
export function sharedMemoryTaken(bytes: number): void {
  taken += bytes;
  inUse += bytes;
  // As much as all that was there before.
  if (taken >= LEAST && taken >= inUse - taken) collect();
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
  if (!watching) {
    watching = true;
    canary.register({}, undefined);
  }
  if (taken + left < asked + AGAIN) return;
  asked = taken + left;
  try {
    // A plain one would be cleared, where its memory has been used before.
    new (ArrayBuffer as unknown as Resizable)(WEIGHT, { maxByteLength: WEIGHT });
  } catch {
    // No room for it: V8 has just collected all there is, to find some.
  }
}

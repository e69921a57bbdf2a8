/** A lock for threads that may block, held for as long as a few bytes take to be written. */
import { replace, store, waitWhile, wake } from './atomics.js';

/** How long one wait lasts before the lock is tried again, in ms. */
const PATIENCE = 50;

/** Runs `act` while no other thread runs anything with this word, which is 0 at first. */
export function withLock(words: Int32Array, at: number, act: () => void): void {
  while (!replace(words, at, 0, 1)) waitWhile(words, at, 1, PATIENCE);
  try {
    act();
  } finally {
    store(words, at, 0);
    wake(words, at);
  }
}

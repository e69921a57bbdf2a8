/** How many items an operation has in flight where it was not told. */

/**
 * Chunks in flight for each worker: some ms of work. With as many workers as cores this thread waits for a scheduler's
 * slice (3 to 5 ms on Linux) before it can send more.
 */
export const CHUNKS_AHEAD = 6;
/** Work in a window, in ms, and its bounds in items. */
const TIME = 100;
const LEAST = 16;
const MOST = 65_536;
/** The same where the input is there already and all outcomes are kept anyway. */
const MOST_KEPT = 8 * MOST;
const MOST_READ_AT_ONCE = 4096;
/** Least window of an input whose items are there already: to read them early makes no difference. */
const LEAST_OF_LIST = 2048;

export interface WindowOf {
  readonly workers: number;
  readonly chunk: 'auto' | number | undefined;
  /** ms a call takes, as far as measured. */
  readonly cost: number | undefined;
  /** The items are there already. */
  readonly isList: boolean;
  /** Somebody reads outcomes as they come. */
  readonly reads: boolean;
  /** Calls run in this thread. */
  readonly inline: boolean;
}

export function windowOf({ workers, chunk, cost, isList, reads, inline }: WindowOf): number {
  const items = isList ? LEAST_OF_LIST : LEAST;
  const least = Math.max(items, CHUNKS_AHEAD * workers * (typeof chunk === 'number' ? chunk : 1));
  if (cost === undefined) return least;
  // A reader goes through all that is there without a turn of the event loop.
  if (inline && reads) return MOST_READ_AT_ONCE;
  const most = isList && !reads ? MOST_KEPT : MOST;
  return Math.max(least, Math.min(most, Math.ceil((TIME * workers) / cost)));
}

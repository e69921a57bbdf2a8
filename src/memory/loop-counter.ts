/**
 * The shared state of a parallel loop: a cursor, up to which indices are given out, and lanes, which say what each task
 * of the loop has taken. See README.md.
 *
 *   CURSOR  the first index that nobody has; contested, moved by `replace` only
 *   lane    FROM, TO: written by the task that holds the lane, reset by the parent before the task is sent.
 *           TO is 0 for nothing, negative while the task takes `[FROM, -TO)`, positive once `[FROM, TO)` is its own
 */
import { load, replace, store, type Words } from './atomics.js';

export type LoopWords = Words;

/** Tasks of one loop that may be under way at a time. */
export const LANES = 4096;
const CURSOR = 0;
/** The cursor has its cache line for itself. */
const FIRST_LANE = 16;

export class LoopCounter {
  readonly words: LoopWords;
  readonly #end: number;

  /** A loop over `[0, end)`, `end` below 2^31; `words` where it has begun elsewhere. */
  constructor(
    end: number,
    words: LoopWords = new Int32Array(new SharedArrayBuffer((FIRST_LANE + LANES * 2) * 4)),
  ) {
    this.words = words;
    this.#end = end;
  }

  /** The first index that nobody has. */
  get cursor(): number {
    return load(this.words, CURSOR);
  }

  /** Parent: nothing is taken here yet. */
  open(lane: number): void {
    store(this.words, FIRST_LANE + lane * 2 + 1, 0);
  }

  /** Task: takes the next `size(left)` indices; false where none are left. */
  take(lane: number, size: (left: number) => number): boolean {
    const { words } = this;
    const at = FIRST_LANE + lane * 2;
    for (;;) {
      const from = load(words, CURSOR);
      const left = this.#end - from;
      if (left <= 0) {
        store(words, at + 1, 0);
        return false;
      }
      const to = from + Math.max(1, Math.min(left, Math.floor(size(left))));
      store(words, at, from);
      store(words, at + 1, -to);
      if (!replace(words, CURSOR, from, to)) continue;
      store(words, at + 1, to);
      return true;
    }
  }

  /** What the lane's task has taken for certain; undefined for nothing. */
  taken(lane: number): { readonly from: number; readonly to: number } | undefined {
    const at = FIRST_LANE + lane * 2;
    const to = load(this.words, at + 1);
    return to > 0 ? { from: load(this.words, at), to } : undefined;
  }
}

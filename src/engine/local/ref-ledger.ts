/**
 * The values of `put` that a pool holds, for those who have refs to them: this thread, and workers in which they were put
 * or that got one back from a call. While one is held, workers that were sent it keep it; what is not held they have no
 * longer than a job needs it. The memory itself is held by the refs, not here.
 */
import { ENDED, endValue, type Keeper, knownValue, type ValueHead } from '../../codec/index.js';
import { sharedMemoryLeft } from '../../util/shared-pressure.js';
import type { Place } from './place.js';

interface Entry {
  readonly value: ValueHead;
  /** It was put in this pool. */
  readonly owned: boolean;
  readonly holders: Set<Place | 'here'>;
}

export class RefLedger implements Keeper {
  readonly #entries = new Map<string, Entry>();
  readonly #drop: (hash: string, ended: boolean) => void;
  #closed = false;

  /** `drop`: the workers need not keep it any more; where it has `ended`, all are to know. */
  constructor(drop: (hash: string, ended: boolean) => void) {
    this.#drop = drop;
  }

  hold(value: ValueHead, owned: boolean, by: Place | 'here' = 'here'): void {
    if (this.#closed || value.state[0] !== ENDED.not) return;
    // Of a process: it has not heard of the end yet.
    if (by !== 'here' && (knownValue(value.hash)?.how ?? ENDED.not) !== ENDED.not) return;
    const known = this.#entries.get(value.hash);
    if (known !== undefined) known.holders.add(by);
    else this.#entries.set(value.hash, { value, owned, holders: new Set([by]) });
  }

  holds(hash: string): boolean {
    return this.#entries.has(hash);
  }

  release(hash: string, by: Place | 'here' = 'here'): void {
    const entry = this.#entries.get(hash);
    if (entry === undefined || !entry.holders.delete(by) || entry.holders.size > 0) return;
    this.#entries.delete(hash);
    // It may have come by here, and nothing has told V8 to look for it.
    if (by !== 'here') sharedMemoryLeft(entry.value.bytes);
    this.#drop(hash, false);
  }

  /** A worker has freed it. */
  free(hash: string): void {
    endValue(hash, ENDED.freed, this.#entries.get(hash)?.value.state);
    this.ended(hash);
  }

  ended(hash: string): void {
    this.#entries.delete(hash);
    this.#drop(hash, true);
  }

  /** The worker is gone, and the refs in it. */
  left(place: Place): void {
    for (const hash of [...this.#entries.keys()]) this.release(hash, place);
  }

  /** The pool has ended, and with it what was put there. */
  close(): void {
    this.#closed = true;
    const entries = [...this.#entries.values()];
    this.#entries.clear();
    for (const { value, owned } of entries) {
      if (!owned) continue;
      endValue(value.hash, ENDED.poolClosed, value.state);
    }
  }

  stats(): { readonly refs: number; readonly refBytes: number } {
    let [refs, refBytes] = [0, 0];
    for (const { value, owned } of this.#entries.values()) {
      if (!owned) continue;
      refs += 1;
      refBytes += value.bytes;
    }
    return { refs, refBytes };
  }
}

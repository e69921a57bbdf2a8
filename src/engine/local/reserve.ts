/**
 * Workers that were started ahead and have no number yet: spares, which stand in for a worker that dies, and replacements
 * of workers that are about to leave. Any of them may take any number.
 */
import type { Place } from './place.js';

/** The number of a worker in reserve. */
export const NO_NUMBER = -1;

export class Reserve {
  readonly #places = new Set<Place>();
  /** Deaths in reserve since one of it has run a task. */
  failures = 0;

  get size(): number {
    return this.#places.size;
  }

  get hasReady(): boolean {
    for (const { phase } of this.#places) if (phase === 'ready') return true;
    return false;
  }

  add(place: Place): void {
    this.#places.add(place);
  }

  /** False where it was not here. */
  delete(place: Place): boolean {
    return this.#places.delete(place);
  }

  /** The one that is nearest to running something; not one whose start waits for others that have died. */
  take(): Place | undefined {
    let best: Place | undefined;
    for (const place of this.#places) {
      if (place.phase === 'ready') {
        best = place;
        break;
      }
      if (place.phase === 'starting' && !place.startsLate) best ??= place;
    }
    if (best !== undefined) this.#places.delete(best);
    return best;
  }

  /** Removes and returns what is beyond so many; those that are not ready first. */
  excess(wanted: number): Place[] {
    const all = [...this.#places].sort((a, b) => Number(a.phase === 'ready') - Number(b.phase === 'ready'));
    const beyond = all.slice(0, Math.max(0, all.length - wanted));
    for (const place of beyond) this.#places.delete(place);
    return beyond;
  }
}

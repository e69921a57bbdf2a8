/** Jobs whose next item has to be granted first, where memory is mirrored. */
import type { Segment } from '../memory/index.js';

/** How long such an item may hold up the event loop, in ms: it usually is granted before. */
const PATIENCE = 1;

export class ClaimWaits {
  readonly #segment: Pick<Segment, 'mayClaim' | 'waitToClaim'>;
  readonly #waiting = new Map<number, () => void>();

  constructor(segment: Pick<Segment, 'mayClaim' | 'waitToClaim'>) {
    this.#segment = segment;
  }

  /** Undefined where the next claim has an answer; blocks a moment for that if nothing else runs here. */
  wait(slot: number, isAlone: boolean): Promise<void> | undefined {
    if (isAlone && this.#segment.waitToClaim(slot, PATIENCE)) return undefined;
    return new Promise((resolve) => {
      this.#waiting.set(slot, resolve);
      this.goOn();
    });
  }

  /** Goes on with jobs that may; whether there were any. */
  goOn(): boolean {
    let any = false;
    for (const [slot, resolve] of this.#waiting) {
      if (!this.#segment.mayClaim(slot)) continue;
      this.#waiting.delete(slot);
      resolve();
      any = true;
    }
    return any;
  }
}

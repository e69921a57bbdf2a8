/** Updates older than about this count little, in ms. */
const SPAN = 3000;
/** Least weight that an update has once the next one has come: of long items, the last alone would count. */
const KEPT = 0.7;
/** Time that a rate has to rest on, in ms: results come in bursts, as many at a time as there are workers. */
const ENOUGH = 250;

/** Items a second as a moving estimate, from when work began and not before: workers take time to start. */
export class Rate {
  #at: number | undefined;
  #items = 0;
  /** Weighted sums of the updates. */
  #count = 0;
  #time = 0;
  /** The same without weights. */
  #seen = 0;
  #span = 0;

  get begun(): boolean {
    return this.#at !== undefined;
  }

  /** Work began at this time, with so many items done. */
  begin(at: number, items: number): void {
    this.#at = at;
    this.#items = items;
  }

  /** So many items are done now; parts of items count. */
  add(now: number, items: number): void {
    if (this.#at === undefined || items <= this.#items || now <= this.#at) return;
    const time = now - this.#at;
    const count = items - this.#items;
    const kept = Math.max(KEPT, Math.exp(-time / SPAN));
    this.#count = this.#count * kept + count;
    this.#time = this.#time * kept + time;
    this.#seen += count;
    this.#span += time;
    this.#at = now;
    this.#items = items;
  }

  /** Undefined while there is too little to tell: some time, and `least` items. */
  perSecond(now: number, least: number): number | undefined {
    if (this.#at === undefined || this.#span < ENOUGH || this.#seen < least) return undefined;
    // Nothing for longer than all that the estimate rests on: it is no longer true.
    return (this.#count / Math.max(this.#time, now - this.#at)) * 1000;
  }
}

/**
 * Whether to look for the next results at every turn of the event loop, or to park at once and be woken. Where parent and
 * worker run on cores of their own, looking is several times faster; where the scheduler has put them on one, looking
 * keeps the worker from running. Nothing tells which it is, and it changes: so both ways are timed, the faster one is
 * taken, and now and then the other is tried.
 */

/** Every so many waits the way that seems slower is tried. */
const TRIES = 32;
/** Weight of the newest time in an average. */
const NEWEST = 1 / 8;
/** Times above this say something of the work, not of the wait, in ms. */
const MOST = 0.2;

export class Lookout {
  /** Averages in ms: of parking, of looking. */
  readonly #average: [number, number] = [0.02, 0.01];
  #waits = 0;
  #since = 0;
  #looks: 0 | 1 = 1;

  /** True where this wait is to look. */
  get looks(): boolean {
    return this.#looks === 1;
  }

  /** A wait begins, unless one is under way. */
  begin(now: number): void {
    if (this.#since !== 0) return;
    this.#since = now;
    const better = this.#average[1] <= this.#average[0] ? 1 : 0;
    this.#waits += 1;
    this.#looks = this.#waits % TRIES === 0 ? ((1 - better) as 0 | 1) : better;
  }

  /** Something came. */
  end(now: number): void {
    if (this.#since === 0) return;
    const time = Math.min(now - this.#since, MOST);
    this.#since = 0;
    this.#average[this.#looks] += NEWEST * (time - this.#average[this.#looks]);
  }
}

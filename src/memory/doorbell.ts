/**
 * How one side waits for the other without missing it and without being woken for nothing. Two words:
 *
 *   PARKED  1 while the owner waits or is about to, 2 while it waits for what matters only; FAR is added while it waits
 *           in the event loop of another process; set by the owner, taken (`exchange`) by whoever rings
 *   BELL    counts the rings; written by the ringer only
 *
 * The owner reads BELL, stores PARKED, looks once more for what it waits for, and only then waits on BELL. The
 * ringer publishes, then takes PARKED, and rings if it got it. Both are "write mine, then read the other's" (Dekker):
 * with sequentially consistent operations at least one side sees the other, the number closes the gap between the last
 * look and the wait, and the exchange gives exactly one ring. See README.md.
 */
import { add, exchange, load, replace, store, type Words, waitAsync, waitWhile, wake } from './atomics.js';

/** Words a doorbell takes: two, each alone on its cache line. */
export const DOORBELL_WORDS = 32;
const FAR = 4;

export class Doorbell {
  readonly #words: Words;
  readonly #parked: number;
  readonly #bell: number;
  #armed = false;
  readonly #wakeLoop: (() => void) | undefined;
  /** Owner in another process: what it has announced, and whom to tell of a ring. */
  #announced = 0;
  #rung: (() => void) | undefined;

  /**
   * `wakeLoop`: where owner and ringer are processes, no word of memory wakes an event loop. The ringer calls this to wake
   * the owner's, which then calls {@link heard}.
   */
  constructor(words: Words, at: number, wakeLoop?: () => void) {
    this.#words = words;
    this.#parked = at;
    this.#bell = at + 16;
    this.#wakeLoop = wakeLoop;
  }

  /** Owner: from now on a ring is wanted. Gives the number to wait with; look for work once more before that. */
  announce(): number {
    return this.#announce(1);
  }

  /** As {@link announce}, for rings that matter only; the others the owner has to do without, for a while of its own. */
  announceLoosely(): number {
    return this.#announce(2);
  }

  #announce(parked: number): number {
    const seen = load(this.#words, this.#bell);
    this.#announced = parked;
    store(this.#words, this.#parked, parked);
    return seen;
  }

  /** Owner: no ring is wanted after all. One may be on its way: it wakes whoever waits for nothing. */
  withdraw(): void {
    store(this.#words, this.#parked, 0);
  }

  /** Ringer, after it has published: wakes the owner if it waits. */
  ring(): void {
    if (load(this.#words, this.#parked) !== 0) this.#ring();
  }

  /** As {@link ring}, for what can wait a while: not heard by an owner that waits loosely. */
  ringSoftly(): void {
    if ((load(this.#words, this.#parked) & ~FAR) === 1) this.#ring();
  }

  #ring(): void {
    const words = this.#words;
    const parked = exchange(words, this.#parked, 0);
    if (parked === 0) return;
    add(words, this.#bell, 1);
    if (parked < FAR) wake(words, this.#bell);
    else this.#wakeLoop?.();
  }

  /** Owner: blocks this thread until a ring after `seen`, or `timeoutMs` have passed. */
  waitSync(seen: number, timeoutMs: number): void {
    waitWhile(this.#words, this.#bell, seen, timeoutMs);
  }

  /**
   * Owner: calls `rung` at the next ring after `seen`; false where it has rung already. The wait does not keep the
   * process alive (nodejs/node#61941), cannot be called off, and is freed by a ring only. So there is one at a time:
   * while one is armed, it serves (the bell has not been rung since, or its `rung` is about to be called).
   */
  arm(seen: number, rung: () => void): boolean {
    if (this.#wakeLoop !== undefined) return this.#armFar(rung);
    if (this.#armed) return true;
    const next = waitAsync(this.#words, this.#bell, seen);
    if (next === undefined) return false;
    this.#armed = true;
    void next.then(() => {
      this.#armed = false;
      rung();
    });
    return true;
  }

  /** Whoever took what was announced has rung already, and did not know that the event loop would have to be woken. */
  #armFar(rung: () => void): boolean {
    this.#rung = rung;
    return replace(this.#words, this.#parked, this.#announced, this.#announced | FAR);
  }

  /** Owner: this event loop was woken from the other process. */
  heard(): void {
    const rung = this.#rung;
    this.#rung = undefined;
    rung?.();
  }

  /** Frees the armed wait, if there is one: its `rung` is called. */
  disarm(): void {
    if (!this.#armed) return;
    add(this.#words, this.#bell, 1);
    wake(this.#words, this.#bell);
  }
}

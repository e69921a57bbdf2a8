/**
 * What a worker does while there is no job for it. It looks for one for a moment (a caller that awaits one call after the
 * other sends the next within microseconds); then, where nothing else lives in this thread, it blocks for a moment,
 * which wakes fastest; then it waits without blocking, so that timers and sockets of finished tasks go on even if
 * nothing shows them (those that are unref'd do not keep a thread from blocking): they are late by `BLOCK` at most.
 */
import type { Doorbell, RingReader } from '../memory/index.js';

/** Longest look for the next job, in ms. */
const SPIN = 0.02;
/** After a look that found nothing, twice as many chances are passed over as after the one before, up to this. */
const MOST_SKIPPED = 64;
/** Longest time without a turn of the event loop, in ms. */
const BLOCK = 10;

export interface ParkingHost {
  readonly bell: Doorbell;
  readonly reader: RingReader;
  /** What keeps the event loop going when nothing else does: the channel to the parent. */
  readonly channel: 'MessagePort' | 'PipeWrap' | 'Worker';
  /** Messages are there, of whom no event tells. */
  hasMessages(): boolean;
  /** Takes messages that have arrived; true where there were any. */
  takeMessages(): boolean;
  /** A job may have come. */
  woken(): void;
}

export class Parking {
  readonly #host: ParkingHost;
  #skipped = 0;
  #toSkip = 0;

  constructor(host: ParkingHost) {
    this.#host = host;
  }

  /** Looks for a moment: true where a job is there. Where looking has not paid, it is done less and less. */
  spin(): boolean {
    if (this.#toSkip > 0) {
      this.#toSkip -= 1;
      return false;
    }
    const { reader } = this.#host;
    const until = performance.now() + SPIN;
    do {
      for (let i = 0; i < 64; i++) {
        if (reader.empty) continue;
        this.#skipped = 0;
        return true;
      }
    } while (performance.now() < until);
    this.#skipped = Math.min(MOST_SKIPPED, this.#skipped * 2 + 1);
    this.#toSkip = this.#skipped;
    return false;
  }

  /** True where there is something to look at; else the host is woken when there is. */
  wait(mayBlock: boolean): boolean {
    const { bell, channel } = this.#host;
    let seen = bell.announce();
    if (this.#anything()) return this.#found();
    if (mayBlock && nothingLives(channel)) {
      // Whoever sent a message before it could see the announcement did not ring.
      if (this.#host.takeMessages()) return this.#found();
      bell.waitSync(seen, BLOCK);
      bell.withdraw();
      if (this.#anything() || this.#host.takeMessages()) return true;
      seen = bell.announce();
      if (this.#anything()) return this.#found();
    }
    return bell.arm(seen, () => this.#host.woken()) ? false : this.#found();
  }

  /** No ring is wanted for a job: the host looks by itself when it can take one. Messages may need one. */
  busy(): void {
    const { bell, channel } = this.#host;
    if (channel === 'MessagePort') return bell.withdraw();
    for (;;) {
      const seen = bell.announce();
      if (this.#host.takeMessages()) continue;
      if (bell.arm(seen, () => this.#host.woken())) return;
    }
  }

  #anything(): boolean {
    return !this.#host.reader.empty || this.#host.hasMessages();
  }

  #found(): true {
    this.#host.bell.withdraw();
    return true;
  }
}

/** Whether the channel to the parent is all that keeps this thread's event loop going. */
function nothingLives(channel: string): boolean {
  const resources = process.getActiveResourcesInfo();
  return resources.length <= 1 && (resources.length === 0 || resources[0] === channel);
}

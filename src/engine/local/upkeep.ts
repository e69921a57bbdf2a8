/** The timers of the local engine: acts that come later, looks at long jobs, release of idle workers. */
import { LONGEST_TIMER } from '../../util/longest-timer.js';
import { outside } from '../../util/outside.js';
import { SPARE_PAUSE, SPLIT_AFTER } from './policy.js';
import type { PoolState } from './state.js';

export class Upkeep {
  readonly #state: PoolState;
  /** ms without work after which a worker is stopped; undefined for never. */
  readonly #idleTimeout: number | undefined;
  readonly #later = new Set<NodeJS.Timeout>();
  #splitTimer: NodeJS.Timeout | undefined;
  #idleTimer: NodeJS.Timeout | undefined;
  #spareTimer: NodeJS.Timeout | undefined;

  constructor(state: PoolState, idleTimeout: number | undefined) {
    this.#state = state;
    this.#idleTimeout = idleTimeout;
  }

  /** Without end for Infinity. `quiet`: no reason to keep the process alive. */
  later(delay: number, act: () => void, quiet = false): void {
    if (delay === Number.POSITIVE_INFINITY) return;
    const timer = setTimeout(
      () => {
        this.#later.delete(timer);
        act();
      },
      Math.min(delay, LONGEST_TIMER),
    );
    if (quiet) timer.unref();
    this.#later.add(timer);
  }

  /** After anything that may call for one of them. */
  planAll(): void {
    this.planSplit();
    this.planIdle();
    this.#planSpares();
  }

  /** Starts what is missing in reserve, once the work that it is for has had its time. */
  #planSpares(): void {
    if (this.#spareTimer !== undefined || !this.#state.lacksSpares) return;
    const look = (): void => {
      this.#spareTimer = undefined;
      this.#state.keepSpares();
    };
    this.#spareTimer = outside(() => setTimeout(look, SPARE_PAUSE));
    this.#spareTimer.unref();
  }

  /** Looks again once jobs have run for so long that an idle worker may take a part of them. */
  planSplit(): void {
    if (this.#splitTimer !== undefined || !this.#state.canSplitLater) return;
    const look = (): void => {
      this.#splitTimer = undefined;
      this.#state.dispatch();
      this.planSplit();
    };
    this.#splitTimer = outside(() => setTimeout(look, SPLIT_AFTER + 1));
    this.#splitTimer.unref();
  }

  /** Releases workers that have had nothing to do for the idle timeout. */
  planIdle(): void {
    const idleTimeout = this.#idleTimeout;
    if (idleTimeout === undefined || this.#idleTimer !== undefined) return;
    if (idleTimeout === Number.POSITIVE_INFINITY) return;
    const look = (): void => {
      this.#idleTimer = undefined;
      const now = performance.now();
      let left = false;
      for (const place of [...this.#state.places]) {
        if (place === undefined || place.phase !== 'ready') continue;
        if (place.posted.size === 0 && now - place.idleSince >= idleTimeout) this.#state.release(place);
        else left = true;
      }
      if (left) this.planIdle();
    };
    this.#idleTimer = outside(() => setTimeout(look, Math.min(Math.max(1, idleTimeout / 2), LONGEST_TIMER)));
    this.#idleTimer.unref();
  }

  /** No act comes any more. */
  clear(): void {
    for (const timer of this.#later) clearTimeout(timer);
    this.#later.clear();
    this.stopLooking();
  }

  /** Delayed acts still come. */
  stopLooking(): void {
    clearTimeout(this.#splitTimer);
    clearTimeout(this.#idleTimer);
    clearTimeout(this.#spareTimer);
  }
}

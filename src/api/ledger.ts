/** The books of one operation, for the option `explain`. */
import type { Inline } from './inline.js';
import type { Explanation } from './options.js';

export class Ledger {
  readonly #begun = performance.now();
  #chunks = 0;
  #smallest = Number.POSITIVE_INFINITY;
  #largest = 0;
  #timed = 0;
  #time = 0;

  chunk(items: number): void {
    this.#chunks += 1;
    this.#smallest = Math.min(this.#smallest, items);
    this.#largest = Math.max(this.#largest, items);
  }

  measured(count: number, elapsed: number): void {
    this.#timed += count;
    this.#time += elapsed;
  }

  explanation(items: number, workers: number, inline: Inline): Explanation {
    const elapsed = performance.now() - this.#begun;
    const running = this.#time + inline.time;
    return {
      items,
      elapsed,
      workers,
      cost: this.#timed === 0 ? undefined : this.#time / this.#timed,
      shipping: inline.shipping,
      chunks: {
        count: this.#chunks,
        smallest: this.#chunks === 0 ? 0 : this.#smallest,
        largest: this.#largest,
      },
      inlined: inline.items,
      reason: inline.reason,
      speedup: running === 0 ? undefined : running / elapsed,
    };
  }
}

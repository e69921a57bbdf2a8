/**
 * How many items go to a worker as one: about `TARGET` ms of work, measured by the workers, less near the end so
 * that they finish together. While the cost is unknown, chunks grow from one item by doubling.
 */

/** Aimed running time of a chunk, in ms. */
const TARGET = 2;
/** Least running time worth a chunk of its own, in ms. */
const LEAST = 0.2;
/** After this many times the aim a worker gives the rest of a chunk back. */
const PATIENCE = 4;
const MOST = 8192;
/** Bytes of items after which a chunk is full. */
export const CHUNK_BYTES = 128 * 1024;
const NEWEST = 0.5;

export class Chunker {
  readonly #fixed: number | undefined;
  readonly #workers: number;
  #next = 1;
  #cost: number | undefined;

  constructor(chunk: 'auto' | number, workers: number) {
    this.#fixed = chunk === 'auto' ? undefined : chunk;
    this.#workers = workers;
  }

  /** ms after which a worker gives the rest back; 0 for never. */
  get limit(): number {
    return this.#fixed === undefined ? TARGET * PATIENCE : 0;
  }

  /** ms a call takes, as far as measured. */
  get cost(): number | undefined {
    return this.#cost;
  }

  measured(count: number, elapsed: number): void {
    const cost = Math.max(elapsed / count, 1e-5);
    this.#cost = this.#cost === undefined ? cost : this.#cost + NEWEST * (cost - this.#cost);
  }

  /** Size of the next chunk, given how many items are left, if that is known. */
  next(remaining: number | undefined): number {
    if (this.#fixed !== undefined) return this.#fixed;
    const cost = this.#cost;
    let size = this.#next;
    if (cost === undefined) {
      this.#next = Math.min(this.#next * 2, 64);
    } else {
      size = Math.min(TARGET / cost, MOST);
      // Chunks grow by doubling here too: the first calls of a function say little about the later ones.
      size = Math.min(size, this.#next * 2);
      this.#next = Math.max(1, size);
      if (remaining !== undefined) {
        size = Math.min(size, Math.max(remaining / (2.5 * this.#workers), LEAST / cost));
      }
    }
    return Math.max(1, Math.floor(size));
  }
}

/**
 * How many items go to a worker as one: about `TARGET` ms of work, measured by the workers, less near the end so
 * that they finish together. While the cost is unknown, chunks are probes: a small share of an input whose length is
 * known, else they grow from one item by doubling. A worker gives back what it cannot do in time, so a wrong guess
 * costs little.
 */

/** Aimed running time of a chunk, in ms. */
const TARGET = 4;
/** Least running time worth a chunk of its own, in ms. */
const LEAST = 0.2;
/** After this many times the aim a worker gives the rest of a chunk back. */
const PATIENCE = 4;
const MOST = 32_768;
const MOST_PROBE = 256;
/** Bytes of items after which a chunk is full. */
export const CHUNK_BYTES = 128 * 1024;
const NEWEST = 0.5;

export class Chunker {
  readonly #fixed: number | undefined;
  readonly #workers: number;
  #probeSize = 1;
  #cost: number | undefined;

  constructor(chunk: 'auto' | number, workers: number) {
    this.#fixed = chunk === 'auto' ? undefined : chunk;
    this.#workers = workers;
  }

  /** ms after which a worker gives the rest back; 0 for never. */
  get limit(): number {
    // A single worker would only get it back, behind what came later.
    if (this.#fixed !== undefined || this.#workers === 1) return 0;
    return this.#cost === undefined ? TARGET : TARGET * PATIENCE;
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
    if (this.#cost === undefined) return this.#probe(remaining);
    let size = Math.min(TARGET / this.#cost, MOST);
    if (remaining !== undefined) {
      size = Math.min(size, Math.max(remaining / (2.5 * this.#workers), LEAST / this.#cost));
    }
    return Math.max(1, Math.floor(size));
  }

  #probe(remaining: number | undefined): number {
    if (remaining !== undefined) {
      return Math.max(1, Math.min(MOST_PROBE, Math.ceil(remaining / (8 * this.#workers))));
    }
    const size = this.#probeSize;
    this.#probeSize = Math.min(size * 2, 64);
    return size;
  }
}

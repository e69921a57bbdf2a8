import type { Numbers } from '../protocol/index.js';
import { CHUNK_BYTES } from './chunker.js';

/** Less is made as it is needed. */
const LEAST_BYTES = 8 * 1024;
/** Kept at most. */
const MOST = 32;

/** Memory of columns that have been sent, for those to come: to fill fresh memory takes several times as long. */
export class ColumnShelf {
  readonly #spare: ArrayBuffer[] = [];

  /** At least so many bytes, whatever is in them. */
  take(bytes: number): ArrayBuffer {
    if (bytes < LEAST_BYTES || bytes > CHUNK_BYTES) return new ArrayBuffer(bytes);
    return this.#spare.pop() ?? new ArrayBuffer(CHUNK_BYTES);
  }

  /** Nobody will read the column any more. */
  give({ buffer }: Numbers): void {
    if (buffer.byteLength === CHUNK_BYTES && this.#spare.length < MOST)
      this.#spare.push(buffer as ArrayBuffer);
  }
}

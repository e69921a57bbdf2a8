/**
 * What one worker has been sent, so that each asset goes once. Bounded: beyond the bound the least used that no
 * job in flight can need are dropped, on both sides.
 */
import { type Asset, bytesOf, type Packed } from '../../codec/index.js';

const MOST_ASSETS = 4096;
const MOST_BYTES = 256 * 2 ** 20;

const NOTHING: readonly never[] = [];

interface Entry {
  readonly bytes: number;
  /** Number of the last job that needed it. */
  usedBy: number;
}

export class AssetLedger {
  readonly #entries = new Map<string, Entry>();
  #bytes = 0;

  /** The assets of `packed` that the worker lacks; from now on it has them. */
  missing(packed: Packed, job: number): readonly Asset[] {
    let missing: Asset[] | undefined;
    for (const asset of packed.assets) {
      const entry = this.#entries.get(asset.hash);
      if (entry !== undefined) {
        entry.usedBy = job;
        continue;
      }
      const bytes = bytesOf(asset);
      this.#entries.set(asset.hash, { bytes, usedBy: job });
      this.#bytes += bytes;
      missing ??= [];
      missing.push(asset);
    }
    return missing ?? NOTHING;
  }

  /** Hashes to drop: those over the bound that were last needed before job `oldest`, the oldest in flight. */
  excess(oldest: number): string[] {
    if (this.#entries.size <= MOST_ASSETS && this.#bytes <= MOST_BYTES) return [];
    const dropped: string[] = [];
    for (const [hash, entry] of [...this.#entries].sort((a, b) => a[1].usedBy - b[1].usedBy)) {
      if (this.#entries.size <= MOST_ASSETS / 2 && this.#bytes <= MOST_BYTES / 2) break;
      if (entry.usedBy >= oldest) break;
      this.#entries.delete(hash);
      this.#bytes -= entry.bytes;
      dropped.push(hash);
    }
    return dropped;
  }
}

/**
 * What one worker has been sent, so that each asset goes once. Bounded: beyond the bound the least used that no
 * job in flight can need are dropped, on both sides. Values of `put` are kept while somebody holds a ref to them, and
 * otherwise until the jobs that need them are over.
 */
import { type Asset, bytesOf, type Packed } from '../../codec/index.js';

const MOST_ASSETS = 4096;
const MOST_BYTES = 256 * 2 ** 20;

const NOTHING: readonly never[] = [];

interface Entry {
  readonly bytes: number;
  /** Number of the last job that needed it. */
  usedBy: number;
  /** Of a value: jobs in flight that need it. */
  jobs: number;
}

export class AssetLedger {
  readonly #entries = new Map<string, Entry>();
  #bytes = 0;
  /** Values that jobs in flight need, counted once for each of those. */
  #needed = 0;

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
      this.#entries.set(asset.hash, { bytes, usedBy: job, jobs: 0 });
      this.#bytes += bytes;
      missing ??= [];
      missing.push(asset);
    }
    return missing ?? NOTHING;
  }

  /** A job with these assets, which the worker has, is on its way. */
  begin(packed: Packed | undefined): void {
    if (packed === undefined || packed.assets.length === 0) return;
    for (const { kind, hash } of packed.assets) {
      if (kind !== 'value') continue;
      this.#entries.get(hash)!.jobs += 1;
      this.#needed += 1;
    }
  }

  /** Jobs in flight need values. */
  get needsValues(): boolean {
    return this.#needed > 0;
  }

  /** The job is over. Hashes of its values to drop: those that are not held, and that no other job needs. */
  end(packed: Packed | undefined, holds: (hash: string) => boolean): readonly string[] {
    if (packed === undefined || this.#needed === 0) return NOTHING;
    const dropped: string[] = [];
    for (const { kind, hash } of packed.assets) {
      if (kind !== 'value') continue;
      const entry = this.#entries.get(hash)!;
      entry.jobs -= 1;
      this.#needed -= 1;
      if (entry.jobs > 0 || holds(hash)) continue;
      this.#entries.delete(hash);
      dropped.push(hash);
    }
    return dropped;
  }

  has(hash: string): boolean {
    return this.#entries.has(hash);
  }

  /** A value that nobody holds any more: whether it can be dropped now. */
  drop(hash: string): boolean {
    const entry = this.#entries.get(hash);
    return entry?.jobs === 0 && this.#entries.delete(hash);
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

import type { Asset } from '../packed.js';
import type { Keeper } from './stored-value.js';

export interface AssetBounds {
  readonly count: number;
  readonly bytes: number;
}

const BOUNDS: AssetBounds = { count: 4096, bytes: 256 * 2 ** 20 };

interface Entry {
  readonly asset: Asset;
  readonly bytes: number;
  /** Since it was last looked at whether it could go. */
  used: boolean;
}

/**
 * The assets that one side holds for decoding.
 *
 * A worker's store does what its parent says: what to add and what to drop. The parent's own store is bounded by
 * itself. Workers name by hash what they know it to hold, so it lets go in two steps: `leave` tells what is to go,
 * and once every worker has heard of that and has answered, `left` drops what nobody has sent again meanwhile.
 */
export class AssetStore {
  /** Longest unused first. */
  readonly #entries = new Map<string, Entry>();
  readonly #bounds: AssetBounds;
  #leaving: Set<string> | undefined;
  #bytes = 0;
  /** Values of `put` that came with something that is being decoded. */
  #lent: Map<string, Asset> | undefined;
  /** Told of the values whose refs are decoded with this store. */
  keeper: Keeper | undefined;

  constructor(bounds: AssetBounds = BOUNDS) {
    this.#bounds = bounds;
  }

  /** A value of `put` is here until it is given back. */
  add(asset: Asset): void {
    if (asset.kind !== 'value') return this.keep(asset);
    this.#lent ??= new Map();
    this.#lent.set(asset.hash, asset);
  }

  /** What was lent for decoding is not needed any more. */
  giveBack(assets: readonly Asset[]): void {
    if (this.#lent === undefined) return;
    for (const asset of assets) this.#lent.delete(asset.hash);
  }

  /** Until it is dropped. */
  keep(asset: Asset): void {
    this.#leaving?.delete(asset.hash);
    const known = this.#entries.get(asset.hash);
    if (known !== undefined) {
      known.used = true;
      return;
    }
    const bytes = bytesOf(asset);
    this.#bytes += bytes;
    this.#entries.set(asset.hash, { asset, bytes, used: false });
  }

  /** Adds what was sent to a worker, so that it can come back by its hash alone. */
  addSent(assets: readonly Asset[]): void {
    for (const asset of assets) if (staysWithSender(asset)) this.add(asset);
  }

  has(hash: string): boolean {
    return this.#entries.has(hash);
  }

  get(hash: string): Asset | undefined {
    const entry = this.#entries.get(hash);
    if (entry === undefined) return this.#lent?.get(hash);
    entry.used = true;
    return entry.asset;
  }

  get size(): number {
    return this.#entries.size;
  }

  drop(hash: string): void {
    const entry = this.#entries.get(hash);
    if (entry === undefined) return;
    this.#entries.delete(hash);
    this.#bytes -= entry.bytes;
  }

  /** Hashes that are to go, down to half of the bounds; none within the bounds, or while others are leaving. */
  leave(): readonly string[] {
    const { count, bytes } = this.#bounds;
    if (this.#leaving !== undefined || (this.#entries.size <= count && this.#bytes <= bytes)) return [];
    const leaving = new Set<string>();
    let left = this.#bytes;
    // Twice: what was used since the last time goes in the second round only.
    for (let round = 0; round < 2; round++) {
      for (const [hash, entry] of [...this.#entries]) {
        if (this.#entries.size - leaving.size <= count / 2 && left <= bytes / 2) break;
        if (leaving.has(hash)) continue;
        if (entry.used) {
          entry.used = false;
          this.#entries.delete(hash);
          this.#entries.set(hash, entry);
        } else {
          leaving.add(hash);
          left -= entry.bytes;
        }
      }
    }
    this.#leaving = leaving;
    return [...leaving];
  }

  /** Nobody takes for granted any more that what was told by {@link leave} is here. */
  left(): void {
    for (const hash of this.#leaving ?? []) this.drop(hash);
    this.#leaving = undefined;
  }
}

/** Large constants and values of `put` do not come back: who holds one by its hash sends its content. */
export function staysWithSender(asset: Asset): boolean {
  return asset.kind !== 'constant' && asset.kind !== 'value';
}

export function bytesOf(asset: Asset): number {
  switch (asset.kind) {
    case 'code':
      return asset.code.source.length * 2;
    case 'constant':
      return asset.buffer.byteLength;
    case 'value':
      // To drop it somewhere frees nothing: it is gone when its ref is.
      return 0;
    case 'class':
      return asset.packed.bytes.byteLength;
    case 'type':
      return asset.functions.bytes.byteLength;
    default:
      return asset satisfies never;
  }
}

import type { Asset } from '../packed.js';

/** The assets that this side holds for decoding. The sender says what to add and what to drop. */
export class AssetStore {
  readonly #assets = new Map<string, Asset>();

  add(asset: Asset): void {
    this.#assets.set(asset.hash, asset);
  }

  has(hash: string): boolean {
    return this.#assets.has(hash);
  }

  get(hash: string): Asset | undefined {
    return this.#assets.get(hash);
  }

  drop(hash: string): void {
    this.#assets.delete(hash);
  }
}

import type { Asset, AssetStore, Packed } from '../codec/index.js';
import type { WirePacked } from './messages.js';

/** A packed value for a peer that knows some assets already; `known` then holds them all. */
export function toWire(packed: Packed, known: Set<string>): WirePacked {
  const fresh: Asset[] = [];
  for (const asset of packed.assets) {
    if (known.has(asset.hash)) continue;
    // Whoever gets a value of `put` keeps it no longer than it needs it.
    if (asset.kind !== 'value') known.add(asset.hash);
    fresh.push(asset);
  }
  return {
    bytes: packed.bytes,
    extras: packed.extras,
    assets: fresh,
    hashes: packed.assets.map((asset) => asset.hash),
    modules: packed.modules,
  };
}

/** The packed value again, whole; assets that came along are kept in `store`, but for values of `put`. */
export function fromWire(wire: WirePacked, store: AssetStore): Packed {
  for (const asset of wire.assets) if (asset.kind !== 'value') store.add(asset);
  const assets: Asset[] = [];
  for (const hash of wire.hashes) {
    const asset = store.get(hash) ?? wire.assets.find((sent) => sent.hash === hash);
    if (asset !== undefined) assets.push(asset);
  }
  return { bytes: wire.bytes, extras: wire.extras, transfer: [], assets, modules: wire.modules };
}

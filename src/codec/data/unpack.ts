import type { ModuleRef } from '../closure/index.js';
import { prepareCode, prepareModules } from '../closure/index.js';
import type { Asset, Packed } from '../packed.js';
import type { AssetStore } from './asset-store.js';
import { type ClassScope, typeClasses } from './classes.js';
import { Decoder } from './decoder.js';
import { learnType, type TypeRegistration } from './registry.js';

/** Decodes one value. What it needs must have been prepared. `classes`: those that it shares with other values. */
export function unpack(
  packed: Pick<Packed, 'bytes' | 'extras'>,
  assets: AssetStore,
  classes?: ClassScope,
): unknown {
  return new Decoder(packed.bytes, packed.extras, assets, 0, packed.bytes.byteLength, classes).item();
}

/** Decodes one value after the other out of the same bytes. */
export function unpacker(
  bytes: Uint8Array,
  extras: readonly unknown[],
  assets: AssetStore,
  classes?: ClassScope,
): Unpacker {
  return new Decoder(bytes, extras, assets, 0, 0, classes);
}

export interface Unpacker {
  itemAt(from: number, to: number): unknown;
  /** The last item holds something that may keep what it sees beyond a call. */
  readonly keeps: boolean;
}

/** Adds a value's assets and imports what its code needs; undefined where nothing has to be awaited. */
export function prepare(packed: Packed, store: AssetStore): Promise<void> | undefined {
  if (packed.assets.length === 0 && packed.modules.length === 0) return undefined;
  for (const asset of packed.assets) store.add(asset);
  return prepareAssets(packed.assets, packed.modules, store);
}

/** As {@link prepare}, for assets that `store` holds already. */
export function prepareAssets(
  assets: readonly Asset[],
  modules: readonly ModuleRef[],
  store: AssetStore,
): Promise<void> | undefined {
  const pending: Promise<void>[] = [];
  const types: Extract<Asset, { kind: 'type' }>[] = [];
  for (const asset of assets) {
    if (asset.kind === 'type') types.push(asset);
    const waits = asset.kind === 'code' ? prepareCode(asset.code) : undefined;
    if (waits !== undefined) pending.push(waits);
  }
  const waits = prepareModules(modules);
  if (waits !== undefined) pending.push(waits);
  if (pending.length === 0) {
    learnTypes(types, store);
    return undefined;
  }
  return Promise.all(pending).then(() => learnTypes(types, store));
}

function learnTypes(types: readonly Extract<Asset, { kind: 'type' }>[], store: AssetStore): void {
  for (const { name, functions } of types) {
    const [match, encode, decode] = unpack(functions, store, typeClasses) as [
      TypeRegistration['match'],
      TypeRegistration['encode'],
      TypeRegistration['decode'],
    ];
    learnType({ name, match, encode, decode });
  }
}

/**
 * Classes of the items of one operation: each is packed once, when the first of its instances is, and goes to a worker
 * as an asset, known by its content. The items name it by its hash.
 */
import { createHash } from 'node:crypto';
import { SerializationError } from '../../errors.js';
import { readFunction } from '../closure/index.js';
import type { Asset } from '../packed.js';
import type { Encoder } from './encoder.js';
import { packExact } from './pack.js';

export type ClassAsset = Extract<Asset, { kind: 'class' }>;

export class ClassShelf {
  /** Null for classes that go with their instances. */
  readonly #known = new Map<Function, ClassAsset | null>();

  of(type: Function): ClassAsset | null {
    const known = this.#known.get(type);
    if (known !== undefined) return known;
    const asset = assetOf(type);
    this.#known.set(type, asset);
    return asset;
  }
}

function assetOf(type: Function): ClassAsset | null {
  try {
    const reading = readFunction(type);
    // Constructor functions have no tag to be known by, and builtins are short anyway.
    if (reading.kind !== 'export' && !(reading.kind === 'code' && reading.code.isClass)) return null;
    const packed = packExact(type, 'class');
    // Another class, or another state of this one, has other bytes; what goes beside the bytes has no content here.
    if (packed.extras.length > 0) return null;
    const hash = createHash('sha256').update(packed.bytes).digest('base64url').slice(0, 14);
    return { kind: 'class', hash: `k:${hash}`, packed };
  } catch (error) {
    if (!(error instanceof SerializationError)) throw error;
    // Told again where the instance is written, with the path to it.
    return null;
  }
}

/** The asset and all that it needs. */
export function provideClass(encoder: Encoder, asset: ClassAsset): void {
  if (encoder.assets.has(asset.hash)) return;
  encoder.assets.set(asset.hash, asset);
  for (const part of asset.packed.assets) encoder.assets.set(part.hash, part);
  for (const module of asset.packed.modules) encoder.module(module);
}

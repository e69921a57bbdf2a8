import type { CodeRecord, ModuleRef } from './closure/reading.js';

/** What a `put` has kept: its bytes and its parts are in shared memory, and all threads see the same. */
export interface ValueAsset {
  readonly kind: 'value';
  readonly hash: string;
  readonly packed: Packed;
  /** One word for all threads, written once: whether the value has come to its end, and how. */
  readonly state: Int32Array;
  /** Shared memory that it takes. */
  readonly bytes: number;
}

/**
 * Something that many payloads refer to and that a worker is sent once: the code of a function, a large
 * constant, a registered type, the class of items, or a value that `put` has kept. Known on both sides by `hash`.
 */
export type Asset =
  | { readonly kind: 'code'; readonly hash: string; readonly code: CodeRecord }
  | { readonly kind: 'constant'; readonly hash: string; readonly buffer: SharedArrayBuffer }
  | { readonly kind: 'type'; readonly hash: string; readonly name: string; readonly functions: Packed }
  | { readonly kind: 'class'; readonly hash: string; readonly packed: Packed }
  | ValueAsset;

/** An encoded value or list of values. Plain data: it survives structured clone. */
export interface Packed {
  /** The value in the codec's format (see README.md). */
  readonly bytes: Uint8Array;
  /** Out-of-band parts by index: shared buffers, moved buffers, objects that only structured clone can carry. */
  readonly extras: readonly unknown[];
  /** Those of `extras` that have to be in a transfer list. */
  readonly transfer: readonly unknown[];
  /** Assets the receiver must hold before it decodes. */
  readonly assets: readonly Asset[];
  /** Modules the receiver must have imported before it decodes, besides those of code assets. */
  readonly modules: readonly ModuleRef[];
}

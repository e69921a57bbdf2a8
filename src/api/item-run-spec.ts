/** What an {@link ItemRun} is given, and whom it tells. */
import type { Column } from '../transport/index.js';
import type { Around } from '../worker/index.js';
import type { CallSite } from './failure.js';
import type { AnyIterable } from './input.js';
import type { MapOptions } from './options.js';
import type { PoolCore } from './pool-core.js';

export interface ItemRunSpec {
  readonly core: PoolCore;
  readonly kind: 'map' | 'each' | 'fold';
  readonly items: AnyIterable<unknown>;
  readonly fn: Function;
  readonly options: MapOptions;
  readonly pinned: number;
  readonly site: CallSite;
  /** Where an item stands for several of the user's. */
  readonly pieces?: Pieces;
  /** What is called in place of the function. */
  readonly around?: Around;
}

/** How the items of a run cut up the user's own. */
export interface Pieces {
  /** The user's items in all, where that is known. */
  readonly total: number | undefined;
  /** The user's items read so far. */
  readonly read: number;
  span(index: number): { readonly first: number; readonly count: number };
  /** Pieces in all, where that is known. */
  readonly length?: number | undefined;
  /** The pieces are ranges of a loop, and errors say where they end. */
  readonly ranges?: boolean;
  /** The piece is settled: nothing will be asked of it any more. */
  settled?(index: number): void;
}

/** Told once for each item in any order, then `ended` or `failed` once; nothing after `cancel`. */
export interface ItemReceiver {
  outcome(index: number, ok: boolean, value: unknown): void;
  /** As `outcome` for consecutive items that went well; the array is the receiver's to keep. */
  outcomes(first: number, values: unknown[]): void;
  /** As `outcomes`, where it prefers numbers as they came: to be read during the call only. */
  column?(first: number, column: Column): void;
  ended(count: number): void;
  failed(error: unknown): void;
  /** Somebody waits for every outcome, not for the end alone. */
  readonly reads?: boolean;
  /**
   * Whether an item from `from` up to, but not including, `to` has not been told. Where there is this, the failure of an
   * item is told only after the outcomes of all items before it.
   */
  missing?(from: number, to: number): boolean;
}

/**
 * What `put` has kept, as one thread knows it: the same object however often the value comes by. The memory is shared by
 * all threads and goes with the last of them that knows it; its end, where somebody ends it, is one word for all.
 */
import { ObjectLostError, PoolClosedError } from '../../errors.js';
import { sharedMemoryCollected, sharedMemoryLeft } from '../../util/shared-pressure.js';
import type { Packed, ValueAsset } from '../packed.js';

export const ENDED = { not: 0, freed: 1, poolClosed: 2 } as const;

/** A pool's side of it. It is told of values that refs of this thread stand for. */
export interface Keeper {
  /** `owned`: it was put there, and ends with the pool. */
  hold(value: StoredValue, owned: boolean): void;
  /** No ref of this thread stands for it any more. */
  release(value: StoredValue): void;
  /** It has come to its end. */
  ended(value: StoredValue): void;
}

const known = new Map<string, WeakRef<StoredValue>>();
const cleanup = new FinalizationRegistry<string>((hash) => {
  if (known.get(hash)?.deref() === undefined) known.delete(hash);
});

/** The value that this asset holds. */
export function storedValue(asset: ValueAsset): StoredValue {
  const value = known.get(asset.hash)?.deref() ?? remember(asset.hash, asset.bytes, asset.state);
  value.found(asset);
  return value;
}

/** A value of which only its end is known. */
export function endedValue(hash: string, how: number): StoredValue {
  return known.get(hash)?.deref() ?? remember(hash, 0, Int32Array.of(how));
}

/** The value, where this thread has something that stands for it. */
export function knownValue(hash: string): StoredValue | undefined {
  return known.get(hash)?.deref();
}

function remember(hash: string, bytes: number, state: Int32Array): StoredValue {
  const value = new StoredValue(hash, bytes, state);
  known.set(hash, new WeakRef(value));
  cleanup.register(value, hash);
  return value;
}

export class StoredValue {
  readonly hash: string;
  /** Shared memory that it takes. */
  readonly bytes: number;
  readonly #state: Int32Array;
  readonly #keepers = new Set<Keeper>();
  #asset: ValueAsset | undefined;
  /** The ref of this thread that comes back as itself. */
  ref: WeakRef<object> | undefined;

  constructor(hash: string, bytes: number, state: Int32Array) {
    this.hash = hash;
    this.bytes = bytes;
    this.#state = state;
  }

  get id(): string {
    return this.hash.slice(2);
  }

  found(asset: ValueAsset): void {
    if (this.how === ENDED.not) this.#asset ??= asset;
  }

  /** How it has ended, wherever that was. */
  get how(): number {
    const how = this.#state[0]!;
    if (how !== ENDED.not && this.#asset !== undefined) this.forget();
    return how;
  }

  /** Undefined once it has ended. */
  get asset(): ValueAsset | undefined {
    return this.how === ENDED.not ? this.#asset : undefined;
  }

  /** @throws ObjectLostError where it was freed, PoolClosedError where its pool has ended */
  content(): Packed {
    return this.use().packed;
  }

  /** @throws as {@link content} */
  use(): ValueAsset {
    const { asset, how } = this;
    if (asset !== undefined) return asset;
    if (how === ENDED.poolClosed) {
      throw new PoolClosedError(`the pool that holds ref ${this.id} is closed: its value is gone`);
    }
    throw new ObjectLostError(`ref ${this.id} was freed: its value is gone`);
  }

  /** One of those who will hear of its end. */
  get keeper(): Keeper | undefined {
    return this.#keepers.values().next().value;
  }

  keptBy(keeper: Keeper): boolean {
    return this.#keepers.has(keeper);
  }

  /** The keeper will hear of its end. */
  addKeeper(keeper: Keeper): void {
    this.#keepers.add(keeper);
  }

  /** It is no more, for all threads; the first end counts. */
  end(how: number): void {
    if (this.#state[0] === ENDED.not) this.#state[0] = how;
    this.forget();
    this.#tell((keeper) => keeper.ended(this));
  }

  /** Nothing in this thread needs its memory any more. */
  forget(): void {
    if (this.#asset === undefined) return;
    this.#asset = undefined;
    sharedMemoryLeft(this.bytes);
  }

  /** The ref of this thread was collected. */
  released(): void {
    if (this.ref?.deref() !== undefined) return;
    if (this.#asset !== undefined) sharedMemoryCollected(this.bytes);
    this.#tell((keeper) => keeper.release(this));
  }

  #tell(what: (keeper: Keeper) => void): void {
    const keepers = [...this.#keepers];
    this.#keepers.clear();
    for (const keeper of keepers) what(keeper);
  }
}

/**
 * What `put` has kept, as one thread knows it: the same object however often the value comes by. The memory is shared by
 * all threads and goes with the last of them that knows it; its end, where somebody ends it, is one word for all.
 */
import { ObjectLostError, PoolClosedError } from '../../errors.js';
import { sharedMemoryCollected, sharedMemoryLeft } from '../../util/shared-pressure.js';
import type { Asset, Packed, ValueAsset } from '../packed.js';

export const ENDED = { not: 0, freed: 1, poolClosed: 2 } as const;

/** What is known of a value without holding on to its memory. */
export type ValueHead = Pick<ValueAsset, 'hash' | 'bytes' | 'state'>;

/** A pool's side of it. It is told of values that refs of this thread stand for. */
export interface Keeper {
  /** `owned`: it was put there, and ends with the pool. */
  hold(value: ValueHead, owned: boolean): void;
  /** No ref of this thread stands for it any more. */
  release(hash: string): void;
  /** It has come to its end. */
  ended(hash: string): void;
  /** Takes what has been told meanwhile, where the end of a value is not seen: between processes. */
  listen?(): void;
}

/** Called with a value's hash and how it has ended: for those whose workers see no word of this process. */
export type EndListener = (hash: string, how: number) => void;

const listeners = new Set<EndListener>();

/** Tells of the end of every value that this thread hears of; gives what calls that off. */
export function onEnd(listener: EndListener): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** The value is no more, whether this thread has something that stands for it or not; `state` is its word, where that is known. */
export function endValue(hash: string, how: number, state?: Int32Array): void {
  const value = knownValue(hash);
  if (state !== undefined && value?.head.state !== state) endWord(state, how);
  if (value !== undefined) value.end(how);
  else tellOfEnd(hash, how);
}

/** The first end counts. */
function endWord(state: Int32Array, how: number): void {
  if (state[0] === ENDED.not) state[0] = how;
}

function tellOfEnd(hash: string, how: number): void {
  for (const listener of listeners) listener(hash, how);
}

/** Another process has told of the end of the value that this asset holds, or would hold. */
export function hearOfEnd(hash: string, how: number, asset: Asset | undefined): void {
  if (asset?.kind === 'value') endWord(asset.state, how);
  const value = knownValue(hash);
  if (value === undefined || value.how !== ENDED.not) return;
  endWord(value.head.state, how);
  value.forget();
  tellOfEnd(hash, how);
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
  const value = new StoredValue({ hash, bytes, state });
  known.set(hash, new WeakRef(value));
  cleanup.register(value, hash);
  return value;
}

/** Those who will hear of the end of a value. Does not lead to the value, so that its memory goes with its ref. */
export class Keepers {
  readonly #all = new Set<Keeper>();
  readonly head: ValueHead;

  constructor(head: ValueHead) {
    this.head = head;
  }

  has(keeper: Keeper): boolean {
    return this.#all.has(keeper);
  }

  get any(): Keeper | undefined {
    return this.#all.values().next().value;
  }

  add(keeper: Keeper, owned: boolean): void {
    this.#all.add(keeper);
    keeper.hold(this.head, owned);
  }

  /** Will hear of its end, and nothing else. */
  addListener(keeper: Keeper): void {
    this.#all.add(keeper);
  }

  /** The ref of this thread was collected. */
  released(): void {
    const { hash, bytes } = this.head;
    // Another has come meanwhile.
    if (knownValue(hash)?.ref?.deref() !== undefined) return;
    sharedMemoryCollected(bytes);
    this.#tell((keeper) => keeper.release(hash));
  }

  ended(): void {
    this.#tell((keeper) => keeper.ended(this.head.hash));
  }

  listen(): void {
    for (const keeper of this.#all) keeper.listen?.();
  }

  #tell(what: (keeper: Keeper) => void): void {
    const all = [...this.#all];
    this.#all.clear();
    for (const keeper of all) what(keeper);
  }
}

export class StoredValue {
  readonly head: ValueHead;
  readonly keepers: Keepers;
  #asset: ValueAsset | undefined;
  /** The ref of this thread that comes back as itself. */
  ref: WeakRef<object> | undefined;

  constructor(head: ValueHead) {
    this.head = head;
    this.keepers = new Keepers(head);
  }

  get hash(): string {
    return this.head.hash;
  }

  get id(): string {
    return this.hash.slice(2);
  }

  found(asset: ValueAsset): void {
    if (this.how === ENDED.not) this.#asset ??= asset;
  }

  /** How it has ended, wherever that was. */
  get how(): number {
    const how = this.head.state[0]!;
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

  /** It is no more, for all threads; the first end counts. */
  end(how: number): void {
    const { hash, state } = this.head;
    const first = state[0] === ENDED.not;
    endWord(state, how);
    this.forget();
    this.keepers.ended();
    if (first) tellOfEnd(hash, how);
  }

  /** Nothing in this thread needs its memory any more. */
  forget(): void {
    if (this.#asset === undefined) return;
    this.#asset = undefined;
    sharedMemoryLeft(this.head.bytes);
  }
}

/** Handles to what `put` has kept. As an argument one arrives as its value; inside other data it stays a ref. */
import { sharedMemoryTaken } from '../../util/shared-pressure.js';
import { threadToken } from '../../util/token.js';
import { AssetStore } from './asset-store.js';
import { ClassScope, resultClasses } from './classes.js';
import { Decoder } from './decoder.js';
import type { Encoder } from './encoder.js';
import { Packer } from './pack.js';
import {
  ENDED,
  endedValue,
  type Keeper,
  type Keepers,
  type StoredValue,
  storedValue,
} from './stored-value.js';
import { Tag } from './tags.js';
import { prepare, unpack } from './unpack.js';

/** A value kept in shared memory by `put`. Refs can be sent anywhere a value can. */
export interface Ref<T> {
  /** Unique in this process; shown in errors. */
  readonly id: string;
  /**
   * A copy of the value, made from shared memory, in whatever thread this is called. Large typed arrays in it are no copies:
   * all see the same memory, which should only be read.
   *
   * Rejects with ObjectLostError once the ref was freed, with PoolClosedError once its pool is closed.
   */
  get(): Promise<T>;
  /**
   * Lets go of the value, for all threads. Calls that were made before still get it as their argument; every later use
   * rejects with ObjectLostError. To free a ref again does nothing.
   */
  free(): void;
  /** As {@link free}, for `using`. */
  [Symbol.dispose](): void;
}

const refs = new FinalizationRegistry<Keepers>((keepers) => keepers.released());
let count = 0;

class StoredRef<T> implements Ref<T> {
  readonly id: string;
  readonly #value: StoredValue;
  /** Where copies of the value find their classes, as long as that is not another call's. */
  readonly #classes: ClassScope;
  readonly #age: number;
  /** What is sent in its place where its value is wanted: always the same, so that it is one value there. */
  #argument: RefArgument | undefined;

  constructor(value: StoredValue, classes: ClassScope) {
    this.id = value.id;
    this.#value = value;
    this.#classes = classes;
    this.#age = classes.age;
  }

  async get(): Promise<T> {
    this.#value.keepers.listen();
    const packed = this.#value.content();
    const assets = new AssetStore();
    assets.keeper = this.#value.keepers.any;
    await prepare(packed, assets);
    const classes = this.#classes.age === this.#age ? this.#classes : new ClassScope();
    return unpack(packed, assets, classes) as T;
  }

  free(): void {
    this.#value.end(ENDED.freed);
  }

  [Symbol.dispose](): void {
    this.free();
  }

  static behind(ref: StoredRef<unknown>): StoredValue {
    return ref.#value;
  }

  static argumentOf(ref: StoredRef<unknown>): RefArgument {
    ref.#argument ??= new RefArgument(ref.#value);
    return ref.#argument;
  }
}

/** Stands for the value of a ref. */
class RefArgument {
  readonly value: StoredValue;

  constructor(value: StoredValue) {
    this.value = value;
  }
}

/**
 * Keeps a value: from here on it is in shared memory.
 * @throws SerializationError where it cannot travel
 */
export function putValue<T>(given: T, keeper: Keeper): Ref<T> {
  const packer = new Packer({ stored: true, label: 'value' });
  packer.item(given);
  const bytes = packer.weight;
  sharedMemoryTaken(bytes);
  const value = storedValue({
    kind: 'value',
    hash: `v:${threadToken}${++count}`,
    packed: packer.finish(),
    state: new Int32Array(new SharedArrayBuffer(4)),
    bytes,
  });
  value.keepers.add(keeper, true);
  return refHere(value) as StoredRef<T>;
}

/** The ref of this thread, which comes back as itself and whose end is noticed. */
function refHere(value: StoredValue): StoredRef<unknown> {
  const known = value.ref?.deref();
  if (known !== undefined) return known as StoredRef<unknown>;
  const ref = new StoredRef(value, resultClasses);
  value.ref = new WeakRef(ref);
  refs.register(ref, value.keepers);
  return ref;
}

/**
 * What has to be sent so that the given value arrives, or the value of the given ref.
 * @throws ObjectLostError, PoolClosedError where that is no more
 */
export function asArgument(given: unknown, keeper: Keeper): unknown {
  if (!(given instanceof StoredRef)) return given;
  const value = StoredRef.behind(given);
  keeper.listen?.();
  value.use();
  // Of another pool: kept by the workers of this one too, as long as there is the ref.
  if (!value.keepers.has(keeper) && value.ref?.deref() === given) value.keepers.add(keeper, false);
  return StoredRef.argumentOf(given);
}

/** Refs, and what stands for their values. */
export function encodeStored(encoder: Encoder, given: object, prototype: unknown): boolean {
  if (prototype === StoredRef.prototype) {
    const value = StoredRef.behind(given as StoredRef<unknown>);
    provide(encoder, value);
    encoder.u8(Tag.storedRef);
    encoder.text(value.hash);
    encoder.u8(value.how);
    return true;
  }
  if (prototype !== RefArgument.prototype) return false;
  const { value } = given as RefArgument;
  value.use();
  provide(encoder, value);
  encoder.u8(Tag.storedValue);
  encoder.text(value.hash);
  return true;
}

/** The value and all that it needs. */
function provide(encoder: Encoder, { asset }: StoredValue): void {
  if (asset === undefined || encoder.assets.has(asset.hash)) return;
  encoder.assets.set(asset.hash, asset);
  for (const part of asset.packed.assets) encoder.assets.set(part.hash, part);
  for (const module of asset.packed.modules) encoder.module(module);
}

export function decodeRef(decoder: Decoder): unknown {
  // It can be kept, and leads to the value.
  decoder.keeps = true;
  const { assets, classes } = decoder;
  const hash = decoder.text();
  const how = decoder.u8();
  const asset = how === ENDED.not ? assets.get(hash) : undefined;
  if (how === ENDED.not && asset?.kind !== 'value') return decoder.corrupt(`value ${hash} is not here`);
  const value = asset?.kind === 'value' ? storedValue(asset) : endedValue(hash, how);
  const { keeper } = assets;
  if (classes !== resultClasses) {
    if (keeper !== undefined) value.keepers.addListener(keeper);
    return new StoredRef(value, classes);
  }
  const ref = refHere(value);
  if (keeper !== undefined && how === ENDED.not) value.keepers.add(keeper, false);
  return ref;
}

/** A copy of its own, but for what its views see. */
export function decodeStoredValue(decoder: Decoder): unknown {
  const hash = decoder.text();
  const asset = decoder.assets.get(hash);
  if (asset?.kind !== 'value') return decoder.corrupt(`value ${hash} is not here`);
  const { bytes, extras } = asset.packed;
  const inner = new Decoder(bytes, extras, decoder.assets, 0, bytes.byteLength, decoder.classes);
  const value = inner.item();
  if (inner.keeps) decoder.keeps = true;
  return value;
}

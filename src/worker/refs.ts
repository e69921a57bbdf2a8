/** Refs in a worker: what is put here is held by the pool while there is a ref to it here, and ends everywhere. */
import {
  type AssetStore,
  ENDED,
  hearOfEnd,
  type Keeper,
  knownValue,
  type ValueHead,
} from '../codec/index.js';
import type { NestedRequest } from '../protocol/index.js';
import { sharedMemoryLeft } from '../util/shared-pressure.js';

export class WorkerRefs implements Keeper {
  readonly #request: (request: NestedRequest) => void;
  readonly listen: () => void;
  /** Put here, and not ended: their sizes in bytes. */
  readonly #own = new Map<string, number>();

  /** `listen`: takes the messages that are there. */
  constructor(request: (request: NestedRequest) => void, listen: () => void) {
    this.#request = request;
    this.listen = listen;
  }

  hold(value: ValueHead, owned: boolean): void {
    if (owned) this.#own.set(value.hash, value.bytes);
    this.#request({ ask: 'hold', value, owned });
  }

  release(hash: string): void {
    this.#own.delete(hash);
    this.#request({ ask: 'release', hash });
  }

  ended(hash: string): void {
    this.#own.delete(hash);
    this.#request({ ask: 'free', hash });
  }

  /** It has ended, in another process. */
  hear(assets: AssetStore, hash: string, how: number): void {
    this.#own.delete(hash);
    hearOfEnd(hash, how, assets.get(hash));
  }

  /** The pool does not need it here any more; where it has ended, nobody does. */
  drop(assets: AssetStore, hash: string): void {
    const asset = assets.get(hash);
    assets.drop(hash);
    const value = knownValue(hash);
    if (value === undefined) {
      if (asset?.kind === 'value') sharedMemoryLeft(asset.bytes);
    } else if (value.how !== ENDED.not) {
      // Asked for its end, it has let go of its memory.
      this.#own.delete(hash);
    }
  }

  stats(): { readonly refs: number; readonly refBytes: number } {
    let refBytes = 0;
    for (const bytes of this.#own.values()) refBytes += bytes;
    return { refs: this.#own.size, refBytes };
  }
}

/**
 * Reads the input lazily and packs chunks, as long as there is room for more.
 *
 * States: reading → drained (the input is at its end, or has failed) or stopped. Nothing is submitted once stopped.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import { ClassShelf } from '../codec/index.js';
import type { Items } from '../transport/index.js';
import { ChunkFiller, type PackedFor } from './chunk-filler.js';
import { NONE } from './column-filler.js';
import { ColumnShelf } from './column-shelf.js';
import {
  type AnyIterable,
  asList,
  isPending,
  isPlain,
  iteratorOf,
  lengthOf,
  type MixedIterator,
  ReadySoon,
  returnInput,
  type Step,
} from './input.js';
import { isRaw, RawFiller } from './raw-filler.js';

export interface FeederHost {
  /** What the items are packed for. */
  readonly engine: PackedFor;
  /** Items that may be sent now. */
  room(): number;
  /** Items that the next chunk should have, given how many are left, if that is known. */
  size(remaining: number | undefined): number;
  submit(filler: ChunkFiller): void;
  /** In place of `size` and `submit`, where items are not to be packed: how many are wanted as they are; 0 for none. */
  raw(): number;
  /** Takes them. What it does not want after all it gives back by {@link Feeder.pack}. */
  take(filler: RawFiller): void;
  /** An item that cannot travel; those before it have been submitted. */
  refused(index: number, error: unknown): void;
  /** What `submit` threw. */
  failed(error: unknown): void;
  /** It does not read on: no room, the end, or a failure. */
  rests(): void;
}

type Filler = ChunkFiller | RawFiller;

export class Feeder {
  readonly length: number | undefined;
  /** Index of the first item that has not been handed on. */
  next = 0;
  drained = false;
  feeding = false;
  /** What the input threw; what was read before still runs. */
  error: { readonly error: unknown } | undefined;
  readonly #host: FeederHost;
  readonly #iterator: MixedIterator;
  /** The input itself, where nothing but its elements can come of it. */
  readonly #list: ArrayLike<unknown> | undefined;
  /** What is being filled. */
  #filler: Filler = new RawFiller(0, 0);
  readonly #soon = new ReadySoon();
  readonly #classes = new ClassShelf();
  readonly #shelf = new ColumnShelf();
  /** The input's own code runs in the caller's async context, whoever's message asks for more of it. */
  readonly #inContext: ReturnType<typeof AsyncLocalStorage.snapshot> | undefined;
  readonly #readChunk = (): Promise<void> | undefined => this.#sendChunk();
  #stopped = false;

  /** `length`: where that is known better than the input shows it. */
  constructor(items: AnyIterable<unknown>, length: number | undefined, host: FeederHost) {
    this.#host = host;
    this.#inContext = isPlain(items) ? undefined : AsyncLocalStorage.snapshot();
    this.#iterator = iteratorOf(items);
    this.#list = asList(items);
    this.length = length ?? lengthOf(items);
  }

  feed(): void {
    if (this.feeding || this.#stopped) return;
    this.feeding = true;
    try {
      while (!this.drained && !this.#stopped && this.#host.room() > 0) {
        const pending = this.#inContext === undefined ? this.#sendChunk() : this.#inContext(this.#readChunk);
        if (pending !== undefined) {
          pending.then(
            () => {
              this.feeding = false;
              this.feed();
            },
            (error: unknown) => this.#host.failed(error),
          );
          return;
        }
      }
    } catch (error) {
      this.#host.failed(error);
    }
    this.feeding = false;
    this.#host.rests();
  }

  /** Nobody will read these items any more. */
  reuse({ column }: Items): void {
    if (column !== undefined) this.#shelf.give(column);
  }

  /** Nothing more is read or submitted. */
  stop(): void {
    if (this.#stopped) return;
    this.#stopped = true;
    if (!this.drained) returnInput(this.#iterator);
  }

  /** Reads and sends one chunk; a promise where the input has to be awaited. */
  #sendChunk(): Promise<void> | undefined {
    this.#filler = this.#newFiller();
    try {
      if (this.#list !== undefined) this.#takeList(this.#list);
      while (!this.drained && !this.#filler.full && !this.#stopped) {
        const step = this.#iterator.next();
        if (isPending(step)) return this.#sendLater(step);
        if (!this.#take(step)) break;
      }
    } catch (error) {
      this.#inputFailed(error);
      return undefined;
    }
    this.#submit(this.#filler);
    return undefined;
  }

  #newFiller(): Filler {
    const raw = this.#host.raw();
    if (raw > 0) return new RawFiller(Math.max(1, Math.min(raw, this.#host.room())), this.next);
    const remaining = this.length === undefined ? undefined : this.length - this.next;
    return this.#packed(Math.min(this.#host.size(remaining), this.#host.room()), this.next);
  }

  #packed(size: number, base: number): ChunkFiller {
    return new ChunkFiller(Math.max(1, size), base, this.#classes, this.#host.engine, this.#shelf);
  }

  #takeList(list: ArrayLike<unknown>): void {
    let at = this.#filler.base;
    while (at < list.length && !this.#filler.full && !this.#stopped) {
      const filler = this.#filler;
      let item: unknown;
      if (filler instanceof ChunkFiller && filler.isNumeric) {
        at = filler.takeNumbers(list, at);
        item = filler.left;
        if (item === NONE) continue;
      } else item = list[at];
      at += 1;
      this.#add(item);
    }
    if (at >= list.length) this.drained = true;
  }

  async #sendLater(first: Promise<Step>): Promise<void> {
    let step: Promise<Step> | Step = first;
    try {
      for (;;) {
        let ready: Step | undefined;
        if (!isPending(step)) ready = step;
        // A slow source is no reason to hold back what has been read.
        else ready = this.#filler.count === 0 ? await step : await this.#soon.wait(step);
        if (this.#stopped) return;
        if (ready === undefined) {
          this.#submit(this.#filler);
          this.#filler = this.#newFiller();
          continue;
        }
        if (!this.#take(ready) || this.#filler.full || this.#stopped) break;
        step = this.#iterator.next();
      }
    } catch (error) {
      this.#inputFailed(error);
      return;
    }
    this.#submit(this.#filler);
  }

  /** False at the end of the input. */
  #take(step: Step): boolean {
    if (step.done === true) {
      this.drained = true;
      return false;
    }
    this.#add(step.value);
    return true;
  }

  #add(value: unknown): void {
    if (this.#filler instanceof RawFiller && !isRaw(value)) {
      // Packed at once: whoever gave it may change it before the next one is read.
      this.#submit(this.#filler);
      this.#filler = this.#packed(Math.min(this.#host.raw(), this.#host.room()), this.next);
    }
    const filler = this.#filler;
    try {
      filler.add(value);
    } catch (error) {
      this.#refuse(filler as ChunkFiller, error);
    }
  }

  /** An item that cannot travel: its own failure, in its own place. */
  #refuse(filler: ChunkFiller, error: unknown): void {
    const index = filler.base + filler.count;
    this.#submit(filler);
    this.next = index + 1;
    filler.restart(this.next);
    this.#host.refused(index, error);
  }

  /** Packs and submits items that were taken as they are, the first of which has the index `base`. */
  pack(values: readonly unknown[], base: number): void {
    const filler = this.#packed(values.length, base);
    for (const value of values) {
      filler.add(value);
      if (!filler.full) continue;
      this.#submit(filler);
      filler.restart(this.next);
    }
    this.#submit(filler);
  }

  #inputFailed(error: unknown): void {
    this.drained = true;
    this.#submit(this.#filler);
    this.error = { error };
  }

  #submit(filler: Filler): void {
    if (filler.count === 0 || this.#stopped) return;
    this.next = filler.base + filler.count;
    if (filler instanceof RawFiller) this.#host.take(filler);
    else this.#host.submit(filler);
  }
}

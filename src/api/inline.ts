/**
 * Calls that would take longer to ship than to make run in this thread (`inline: 'auto'`), where nobody can tell but by the
 * clock: the function is light (`codec/closure/light.ts`), it works on copies as in a worker, and an item that fails, or
 * whose result cannot be sent, is given to a worker after all: light functions may run twice.
 *
 * States: watching → here ⇄ (slices, with a turn of the event loop between them) → away. `watching` until a worker has timed
 * some calls; `away` for good where shipping turns out to be no slower, or where the function is not light.
 */
import {
  type AssetStore,
  ClassScope,
  ClassShelf,
  Packer,
  unpack,
  unpacker,
  whyNotLight,
} from '../codec/index.js';
import { ChunkFiller } from './chunk-filler.js';
import { isSelfContained } from './pool-core.js';
import { isObject } from './raw-filler.js';

/** Calls that take longer in a worker, copies included, are worth shipping whatever that costs, in ms. */
const CHEAP = 0.002;
/** Time here after which it is judged whether to go on: before that, code is cold. In ms. */
const TRIAL = 5;
/** Running time after which the event loop has its turn, in ms; a block more may follow. */
const SLICE = 3;
/** Aimed time of a block, in ms, and its size. */
const BLOCK = 1;
const FIRST_BLOCK = 256;
const MOST_BLOCK = 8192;
/** The estimate of an item's time here rises by so much a block, at most. */
const RISE = 1.25;
/** To ship has to be so much cheaper. */
const MARGIN = 0.9;
/** Fewer items say nothing of what one costs. */
const ENOUGH = 32;

const NOTHING: readonly never[] = [];

export interface InlineSpec {
  readonly fn: Function;
  readonly workers: number;
  readonly assets: AssetStore;
  /** Why no call of this operation may run here, whatever it costs. */
  readonly refusal: string | undefined;
}

export class Inline {
  /** Why calls run here, or why not. */
  reason: string;
  /** Items that have run here, and their time in ms. */
  items = 0;
  time = 0;
  readonly #spec: InlineSpec;
  #state: 'watching' | 'here' | 'away';
  #copy: { readonly fn: Call; readonly loop: Loop } | undefined;
  #checked = false;
  /** Least times of an item in ms: in a worker, to pack it here, to unpack its result here. */
  #worker = Number.POSITIVE_INFINITY;
  #pack = Number.POSITIVE_INFINITY;
  #unpack = Number.POSITIVE_INFINITY;
  /** ms an item takes here, copies included. */
  #here = Number.POSITIVE_INFINITY;
  #block = FIRST_BLOCK;
  #sliceEnd = 0;

  constructor(spec: InlineSpec) {
    this.#spec = spec;
    this.#state = spec.refusal === undefined ? 'watching' : 'away';
    this.reason = spec.refusal ?? 'no worker had timed a call before the end';
  }

  /** Calls run here now. */
  get active(): boolean {
    return this.#state === 'here';
  }

  /** Least ms to pack an item and to unpack its result, as far as known. */
  get shipping(): number | undefined {
    const sum =
      (Number.isFinite(this.#pack) ? this.#pack : 0) + (Number.isFinite(this.#unpack) ? this.#unpack : 0);
    return sum === 0 ? undefined : sum;
  }

  /** Items of the next block. */
  get size(): number {
    return this.#block;
  }

  /** The event loop is to have its turn before the next block. */
  get rests(): boolean {
    return performance.now() >= this.#sliceEnd;
  }

  beginSlice(): void {
    this.#sliceEnd = performance.now() + SLICE;
  }

  /** A worker has run `count` items in `elapsed` ms. */
  measured(count: number, elapsed: number): void {
    if (this.#state !== 'watching' || count === 0) return;
    this.#worker = Math.min(this.#worker, elapsed / count);
    if (this.#worker > CHEAP) {
      this.reason = `a call takes ${micros(this.#worker)} in a worker, which is worth shipping`;
      return;
    }
    if (!this.#checked) {
      this.#checked = true;
      const why = whyNotLight(this.#spec.fn);
      if (why !== undefined) return this.#leave(`the function is not light: ${why}`);
    }
    this.#state = 'here';
    this.reason = `a call takes ${micros(this.#worker)} in a worker, copies included, and less here`;
    this.beginSlice();
  }

  /** This thread took `elapsed` ms to pack `count` items. */
  packed(count: number, elapsed: number): void {
    if (count >= ENOUGH) this.#pack = Math.min(this.#pack, elapsed / count);
  }

  /** This thread took `elapsed` ms to unpack `count` results. */
  unpacked(count: number, elapsed: number): void {
    if (count >= ENOUGH) this.#unpack = Math.min(this.#unpack, elapsed / count);
  }

  /**
   * Runs items, the first of which has the index `base`, and puts their results in their places; how many. What is not done
   * is to be given to a worker.
   */
  run(values: unknown[], base: number): number {
    const begun = performance.now();
    const { fn, loop } = this.#function();
    let done = 0;
    while (done < values.length) {
      done = loop(fn, values, done, values.length, base);
      if (done >= values.length) break;
      const before = done;
      done = this.#runCopies(fn, values, done, base);
      if (done === before) break;
    }
    this.#account(done, performance.now() - begun, values.length);
    return done;
  }

  #account(done: number, time: number, tried: number): void {
    this.items += done;
    this.time += time;
    if (done < tried) return;
    // One block may have been held up by other programs: dearer calls count once several blocks have shown them.
    const cost = Math.min(time / Math.max(1, done), this.#here * RISE);
    this.#here = cost;
    this.#block = Math.max(
      1,
      Math.min(MOST_BLOCK, this.#block * 2, Math.floor(BLOCK / Math.max(cost, 1e-6))),
    );
    if (this.time < TRIAL) return;
    const unpack = Number.isFinite(this.#unpack) ? this.#unpack : 0;
    const pack = Number.isFinite(this.#pack) ? this.#pack : unpack;
    const ship = Math.max(pack + unpack, this.#worker / this.#spec.workers);
    if (ship < MARGIN * cost) {
      this.#leave(`a call takes ${micros(cost)} here, copies included, and shipping it ${micros(ship)}`);
    } else {
      this.reason = `a call takes ${micros(cost)} here, and shipping it ${micros(ship)}`;
    }
  }

  #leave(reason: string): void {
    this.#state = 'away';
    this.reason = reason;
  }

  #function(): { readonly fn: Call; readonly loop: Loop } {
    this.#copy ??= { fn: this.#decode(), loop: newLoop() };
    return this.#copy;
  }

  #decode(): Call {
    const packer = new Packer({ exact: true, label: 'fn' });
    packer.item(this.#spec.fn);
    const packed = packer.finish();
    for (const asset of packed.assets) this.#spec.assets.add(asset);
    return unpack(packed, this.#spec.assets, new ClassScope()) as Call;
  }

  /** As `loop`, for values that a worker would get a copy of, or send one. */
  #runCopies(fn: Call, values: unknown[], from: number, base: number): number {
    const filler = new ChunkFiller(values.length - from, base + from, new ClassShelf(), false);
    try {
      while (!filler.full && from + filler.count < values.length) filler.add(values[from + filler.count]);
    } catch {
      // The item that cannot travel fails where it is sent; those before it can go on.
      if (filler.count === 0) return from;
    }
    const { packed, offsets } = filler.finish();
    // Classes and functions of items would be code that was not looked at.
    if (!isSelfContained(packed) || packed.extras.length > 0) return from;
    const { assets } = this.#spec;
    const items = unpacker(packed.bytes, NOTHING, assets, new ClassScope());
    const results = new Packer({ label: 'value' });
    const ends = [0];
    const count = offsets.length - 1;
    try {
      for (let i = 0; i < count; i++) {
        const result = fn(items.itemAt(offsets[i]!, offsets[i + 1]!), base + from + i);
        results.item(result);
        ends.push(results.length);
      }
    } catch {
      // The rest goes to a worker, where it fails as it would have.
    }
    const body = results.finish();
    if (!isSelfContained(body) || body.extras.length > 0) return from;
    const decode = unpacker(body.bytes, NOTHING, assets);
    for (let i = 0; i < ends.length - 1; i++) values[from + i] = decode.itemAt(ends[i]!, ends[i + 1]!);
    return from + ends.length - 1;
  }
}

type Call = (item: unknown, index: number) => unknown;
/** Runs `values[from … to - 1]` in place as far as items and results are primitive and nothing fails; where it stopped. */
type Loop = (fn: Call, values: unknown[], from: number, to: number, base: number) => number;

/** Self-contained: its text is made into a function of its own. */
const makeLoop =
  (isObject: (value: unknown) => boolean): Loop =>
  (fn, values, from, to, base) => {
    let i = from;
    try {
      for (; i < to; i++) {
        const value = values[i];
        if (typeof value !== 'number' && isObject(value)) return i;
        const result = fn(value, base + i);
        if (typeof result !== 'number' && isObject(result)) return i;
        values[i] = result;
      }
    } catch {
      // Given to a worker, where it fails as it would have.
    }
    return i;
  };

/** One for every function: a loop that has called several calls each of them slowly. */
function newLoop(): Loop {
  try {
    return (new Function(`return (${makeLoop})`)() as typeof makeLoop)(isObject);
  } catch {
    // Where text may not become code, or this module was compiled into something else.
    return makeLoop(isObject);
  }
}

function micros(ms: number): string {
  const us = ms * 1000;
  return us < 1 ? `${(us * 1000).toFixed(0)} ns` : `${us.toFixed(us < 10 ? 1 : 0)} µs`;
}

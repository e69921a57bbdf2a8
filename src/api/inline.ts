/**
 * Calls that would take longer to ship than to make run in this thread (`inline: 'auto'`), where nobody can tell but by the
 * clock: the function is light (`codec/closure/light.ts`), it works on copies as in a worker, and an item that fails, or
 * whose result cannot be sent, is given to a worker after all: light functions may run twice.
 *
 * States: watching → here → away. `watching` until a worker has timed some calls; `away` for good where shipping turns out
 * to be no slower, or where calls may not run here.
 */
import {
  type AssetStore,
  ClassScope,
  isPristine,
  type Packed,
  Packer,
  unpack,
  unpacker,
  whyNotLight,
} from '../codec/index.js';
import type { Items } from '../transport/index.js';
import { isSelfContained } from './pool-core.js';
import { isRaw } from './raw-filler.js';

/** Calls that take longer in a worker, copies included, are worth shipping whatever that costs, in ms. */
const CHEAP = 0.002;
/** Time here after which it is judged whether to go on: before that, code is cold. In ms. */
const TRIAL = 5;
/** And blocks: one alone says more of what else the machine does than of the calls. */
const LEAST_BLOCKS = 3;
/** Aimed time of a block, in ms, and its size. */
const BLOCK = 1;
const FIRST_BLOCK = 256;
const MOST_BLOCK = 8192;
/** Calls between two looks at the clock. */
const STRIDE = 256;
/** A block that takes longer is given up, in ms. */
const LONGEST = 2;
/** Bytes of an item that a call may get here. */
const MOST_BYTES = 1000;
/** To ship has to be so much cheaper. */
const MARGIN = 0.9;
/** The estimate of an item's time here rises by so much a block, at most. */
const RISE = 1.25;
/** Fewer items say nothing of what one costs. */
const ENOUGH = 32;
/** Blocks, one after the other, of which something was left for workers: then all is. */
const MOST_SHORT = 4;

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
  /** The function, as it was when the call was made. */
  #packed: Packed | undefined;
  #copy: Call | undefined;
  #loop: Loop | undefined;
  /** Least times of an item in ms: in a worker, to pack it here, to unpack its result here. */
  #worker = Number.POSITIVE_INFINITY;
  #pack = Number.POSITIVE_INFINITY;
  #unpack = Number.POSITIVE_INFINITY;
  /** ms an item takes here, copies included. */
  #here = Number.POSITIVE_INFINITY;
  #block = FIRST_BLOCK;
  #blocks = 0;
  #short = 0;

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
    const known = [this.#pack, this.#unpack].filter(Number.isFinite);
    return known.length === 0 ? undefined : known.reduce((sum, each) => sum + each);
  }

  /** Items of the next block. */
  get size(): number {
    return this.#block;
  }

  /** The call is made: what it captures is as it is now. */
  begin(packed: Packed): void {
    if (this.#state !== 'watching') return;
    const { modules, assets } = packed;
    const why = whyNotLight(this.#spec.fn);
    if (why !== undefined) this.#leave(`the function is not light: ${why}`);
    else if (modules.length > 0 || !assets.every(isHarmless))
      this.#leave('the function brings other code along');
    else this.#packed = packed;
  }

  /** A worker has run `count` items in `elapsed` ms. */
  measured(count: number, elapsed: number): void {
    if (this.#state !== 'watching' || count === 0) return;
    this.#worker = Math.min(this.#worker, elapsed / count);
    const shown = `a call takes ${micros(this.#worker)} in a worker`;
    if (this.#worker > CHEAP) this.reason = `${shown}, which is worth shipping`;
    else if (!isPristine()) this.#leave('the program has changed what the language has of its own');
    else {
      this.#state = 'here';
      this.reason = `${shown}, and none has been timed here yet`;
    }
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
   * Runs items that no copy can be told from, the first of which has the index `base`, and puts their results in their
   * places; how many. The rest is for a worker.
   */
  runRaw(values: unknown[], base: number): number {
    const fn = this.#function();
    this.#loop ??= newLoop();
    const begun = performance.now();
    const count = values.length;
    let done = 0;
    while (done < count && performance.now() - begun < LONGEST) {
      const end = Math.min(count, done + STRIDE);
      done = this.#loop(fn, values, done, end, base);
      if (done === end) continue;
      // It failed, or has a result that has to be copied, as those after it will.
      const from = done;
      const results = this.#runCopies(count - from, (i) => fn(values[from + i], base + from + i));
      for (const result of results) values[done++] = result;
      break;
    }
    this.#account(done, performance.now() - begun, count);
    return done;
  }

  /** Results of the first packed items, as a worker would have sent them. The rest is for a worker. */
  runPacked({ packed, offsets }: Items, base: number): unknown[] {
    const fn = this.#function();
    const begun = performance.now();
    const count = offsets.length - 1;
    let results: unknown[] = [];
    // Classes and functions of items would be code that was not looked at.
    if (isSelfContained(packed) && packed.extras.length === 0) {
      const items = unpacker(packed.bytes, NOTHING, this.#spec.assets, new ClassScope());
      let few = 0;
      while (few < count && offsets[few + 1]! - offsets[few]! <= MOST_BYTES) few += 1;
      results = this.#runCopies(few, (i) => fn(items.itemAt(offsets[i]!, offsets[i + 1]!), base + i));
    }
    this.#account(results.length, performance.now() - begun, count);
    return results;
  }

  /** Copies of results, as far as nothing fails and it does not take too long. */
  #runCopies(count: number, call: (i: number) => unknown): unknown[] {
    const packer = new Packer({ label: 'value' });
    const ends = [0];
    const begun = performance.now();
    try {
      for (let i = 0; i < count; i++) {
        if (i % STRIDE === STRIDE - 1 && performance.now() - begun > LONGEST) break;
        packer.item(call(i));
        ends.push(packer.length);
      }
    } catch {
      // Given to a worker, where it fails as it would have.
    }
    const body = packer.finish();
    if (!isSelfContained(body) || body.extras.length > 0) return [];
    const decode = unpacker(body.bytes, NOTHING, this.#spec.assets);
    return Array.from({ length: ends.length - 1 }, (_, i) => decode.itemAt(ends[i]!, ends[i + 1]!));
  }

  #account(done: number, time: number, tried: number): void {
    this.items += done;
    this.time += time;
    this.#short = done < tried ? this.#short + 1 : 0;
    if (this.#short >= MOST_SHORT)
      return this.#leave('too many calls fail here, or get what only a worker may have');
    if (done < ENOUGH) return;
    // One block may have been held up by other programs: dearer calls count once several blocks have shown them.
    const cost = Math.min(time / done, this.#here * RISE);
    this.#here = cost;
    this.#blocks += 1;
    this.#block = Math.max(
      ENOUGH,
      Math.min(MOST_BLOCK, this.#block * 2, Math.floor(BLOCK / Math.max(cost, 1e-6))),
    );
    const unpack = Number.isFinite(this.#unpack) ? this.#unpack : 0;
    const pack = Number.isFinite(this.#pack) ? this.#pack : unpack;
    const ship = Math.max(pack + unpack, this.#worker / this.#spec.workers);
    const shown = `a call takes ${micros(cost)} here, copies included, and ${micros(ship)} to ship`;
    if (this.time >= TRIAL && this.#blocks >= LEAST_BLOCKS && ship < MARGIN * cost) this.#leave(shown);
    else this.reason = shown;
  }

  #leave(reason: string): void {
    this.#state = 'away';
    this.reason = reason;
    this.#packed = undefined;
  }

  #function(): Call {
    if (this.#copy !== undefined) return this.#copy;
    const packed = this.#packed!;
    const { assets } = this.#spec;
    for (const asset of packed.assets) assets.add(asset);
    this.#copy = unpack(packed, assets, new ClassScope()) as Call;
    return this.#copy;
  }
}

/** Data, or the code of a function that {@link whyNotLight} has looked at: accessors, methods and classes would be others. */
function isHarmless(asset: Packed['assets'][number]): boolean {
  if (asset.kind === 'constant') return true;
  return asset.kind === 'code' && !asset.code.isClass && asset.code.form === 'expression';
}

type Call = (item: unknown, index: number) => unknown;
/** Runs `values[from … to - 1]` in place as long as results are raw and nothing fails; where it stopped. */
type Loop = (fn: Call, values: unknown[], from: number, to: number, base: number) => number;

/** Self-contained: its text is made into a function of its own. */
const makeLoop =
  (fits: (value: unknown) => boolean): Loop =>
  (fn, values, from, to, base) => {
    let i = from;
    try {
      for (; i < to; i++) {
        const result = fn(values[i], base + i);
        if (typeof result !== 'number' && !fits(result)) return i;
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
    return (new Function(`return (${makeLoop})`)() as typeof makeLoop)(isRaw);
  } catch {
    // Where text may not become code, or this module was compiled into something else.
    return makeLoop(isRaw);
  }
}

function micros(ms: number): string {
  const us = ms * 1000;
  return us < 1 ? `${(us * 1000).toFixed(0)} ns` : `${us.toFixed(us < 10 ? 1 : 0)} µs`;
}

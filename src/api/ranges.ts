/** `forRange`: how a loop over `0 … n - 1` becomes items of an {@link ItemRun}. */
import { WorkerCrashedError } from '../errors.js';
import { LANES, LoopCounter } from '../memory/index.js';
import type { Around } from '../worker/index.js';
import { drain } from './collect.js';
import type { ItemRunSpec, Pieces } from './item-run-spec.js';

/** Ranges of a loop whose random numbers must not depend on how it is cut. */
const SEEDED_RANGES = 1024;
/** Ranges a worker of a loop that is cut here since workers cannot take them from shared memory. */
const RANGES_EACH = 64;
/** Positions in shared memory are counted by 31 bits. */
const MOST_UNITS = 2 ** 30;

/** @throws what the body throws, and what {@link ItemRun} tells */
export async function forRange(
  n: number,
  spec: Omit<ItemRunSpec, 'items' | 'pieces' | 'around'>,
  chunk: 'auto' | number | undefined,
): Promise<void> {
  const { core, options, pinned } = spec;
  const workers = pinned >= 0 ? 1 : core.engine.size;
  const loop = loopOf(n, { chunk, seed: options.seed, workers, apart: core.engine.apart });
  await drain({
    ...spec,
    items: loop.items,
    pieces: loop.pieces,
    around: loop.around,
    options: { ...options, chunk: 'auto', window: loop.window },
  });
  if (loop.covered === n) return;
  // Only where a worker was stopped in the instant of taking a range, and its task was tried again.
  throw new WorkerCrashedError(
    `forRange ran ${loop.covered} of ${n} indices: a worker died as it took a range, and which one nobody knows`,
  );
}

/** What the items of a loop are, and what is done with each. */
interface Loop {
  readonly items: Iterable<number>;
  readonly around: Around;
  readonly pieces: Pieces;
  /** Most items in flight; undefined for any number. */
  readonly window: number | undefined;
  /** Indices of all ranges that are settled. */
  readonly covered: number;
}

interface LoopOptions {
  readonly chunk: 'auto' | number | undefined;
  readonly seed: number | undefined;
  readonly workers: number;
  /** Workers share no memory with this process. */
  readonly apart: boolean;
}

function loopOf(n: number, { chunk, seed, workers, apart }: LoopOptions): Loop {
  if (typeof chunk === 'number') return new CutLoop(n, chunk);
  if (seed !== undefined) return new CutLoop(n, Math.max(1, Math.ceil(n / SEEDED_RANGES)));
  if (apart) return new CutLoop(n, Math.max(1, Math.ceil(n / (workers * RANGES_EACH))));
  return new GuidedLoop(n, workers);
}

/** Item `i` is the range `[i * chunk, (i + 1) * chunk)`. */
class CutLoop implements Loop, Pieces {
  readonly items: Iterable<number>;
  readonly around: Around;
  readonly pieces: Pieces = this;
  readonly window = undefined;
  readonly total: number;
  readonly length: number;
  readonly ranges = true;
  readonly #chunk: number;
  read = 0;
  covered = 0;

  constructor(n: number, chunk: number) {
    this.total = n;
    this.#chunk = chunk;
    this.length = Math.ceil(n / chunk);
    this.around = { name: 'cut', data: { n, chunk } };
    this.items = this.#cut();
  }

  *#cut(): Generator<number> {
    for (let i = 0; i < this.length; i++) {
      this.read = Math.min(this.total, (i + 1) * this.#chunk);
      yield i;
    }
  }

  span(index: number): { first: number; count: number } {
    const first = index * this.#chunk;
    return { first, count: Math.min(this.#chunk, this.total - first) };
  }

  settled(index: number): void {
    this.covered += this.span(index).count;
  }
}

/**
 * Each item is a task that takes its range from a counter in shared memory when it starts, of a length that its worker
 * thinks worth it by what the last one there has cost. So nothing is cut before its cost is known, no worker waits for
 * this thread, and no list of ranges is kept: only the lanes of tasks under way.
 */
class GuidedLoop implements Loop, Pieces {
  readonly items: Iterable<number>;
  readonly around: Around;
  readonly pieces: Pieces = this;
  readonly window = LANES;
  readonly total: number;
  readonly ranges = true;
  readonly #counter: LoopCounter;
  readonly #unit: number;
  readonly #lanes = new Map<number, number>();
  readonly #free: number[] = [];
  covered = 0;

  constructor(n: number, workers: number) {
    this.total = n;
    this.#unit = Math.max(1, Math.ceil(n / MOST_UNITS));
    const units = Math.ceil(n / this.#unit);
    this.#counter = new LoopCounter(units);
    const { words } = this.#counter;
    this.around = { name: 'guided', data: { words, units, unit: this.#unit, n, workers } };
    this.items = this.#tasks(units);
  }

  get read(): number {
    return Math.min(this.total, this.#counter.cursor * this.#unit);
  }

  *#tasks(units: number): Generator<number> {
    for (let index = 0; this.#counter.cursor < units; index++) {
      const lane = this.#free.pop() ?? this.#lanes.size;
      this.#counter.open(lane);
      this.#lanes.set(index, lane);
      yield lane;
    }
  }

  span(index: number): { first: number; count: number } {
    const lane = this.#lanes.get(index);
    const taken = lane === undefined ? undefined : this.#counter.taken(lane);
    if (taken === undefined) return { first: this.read, count: 0 };
    const first = taken.from * this.#unit;
    return { first, count: Math.min(this.total, taken.to * this.#unit) - first };
  }

  settled(index: number): void {
    this.covered += this.span(index).count;
    const lane = this.#lanes.get(index);
    if (lane === undefined) return;
    this.#lanes.delete(index);
    this.#free.push(lane);
  }
}

/** `reduce`: pieces of the input are folded in workers, and the folded pieces are combined here, in order. */
import { AsyncLocalStorage } from 'node:async_hooks';
import { asArgument, type Keeper } from '../codec/index.js';
import { type AnyIterable, lengthOf } from './input.js';
import { ItemRun } from './item-run.js';
import type { ItemRunSpec, Pieces } from './item-run-spec.js';

/** Items folded as one piece, at most; pieces grow up to it, so that short inputs are spread too. */
const MOST = 4096;

/** Cuts the input into pieces `[initial, items, index of the first]`, and remembers where it cut. */
class Cutter implements Pieces {
  readonly total: number | undefined;
  read = 0;
  readonly #initial: unknown;
  readonly #refs: Keeper;
  readonly #size: (cut: number) => number;
  /** Where each piece begins. */
  readonly #firsts: number[] = [];
  #piece: unknown[] = [];

  constructor(total: number | undefined, initial: unknown, size: (cut: number) => number, refs: Keeper) {
    this.#refs = refs;
    this.total = total;
    this.#initial = initial;
    this.#size = size;
  }

  span(index: number): { first: number; count: number } {
    const first = this.#firsts[index] ?? 0;
    return { first, count: (this.#firsts[index + 1] ?? this.read) - first };
  }

  cut(items: AnyIterable<unknown>): AnyIterable<unknown> {
    if (typeof (items as Partial<AsyncIterable<unknown>>)[Symbol.asyncIterator] === 'function') {
      return this.#cutAsync(items as AsyncIterable<unknown>);
    }
    return this.#cutSync(items as Iterable<unknown>);
  }

  *#cutSync(items: Iterable<unknown>): Generator<unknown> {
    for (const item of items) if (this.#add(item)) yield this.#end();
    if (this.#piece.length > 0) yield this.#end();
  }

  async *#cutAsync(items: AsyncIterable<unknown>): AsyncGenerator<unknown> {
    for await (const item of items) if (this.#add(item)) yield this.#end();
    if (this.#piece.length > 0) yield this.#end();
  }

  #add(item: unknown): boolean {
    this.#piece.push(asArgument(item, this.#refs));
    return this.#piece.length >= this.#size(this.#firsts.length);
  }

  #end(): unknown {
    const piece = this.#piece;
    const first = this.read;
    this.#firsts.push(first);
    this.read += piece.length;
    this.#piece = [];
    return [this.#initial, piece, first];
  }
}

/**
 * The boundaries of pieces depend on the input alone, never on workers or their speed: floating-point sums come
 * out the same on every machine.
 */
function pieceSize(length: number | undefined, chunk: 'auto' | number | undefined): (cut: number) => number {
  if (typeof chunk === 'number') return () => chunk;
  if (length !== undefined) {
    const size = Math.max(1, Math.min(MOST, Math.ceil(length / 64)));
    return () => size;
  }
  return (cut) => Math.min(MOST, 2 ** Math.floor(cut / 16));
}

export async function fold(
  spec: Omit<ItemRunSpec, 'kind'>,
  combine: (a: unknown, b: unknown) => unknown,
  initial: unknown,
): Promise<unknown> {
  const { chunk, ...options } = spec.options;
  const join = AsyncLocalStorage.bind(combine);
  const length = lengthOf(spec.items);
  const pieces = new Cutter(length, initial, pieceSize(length, chunk), spec.core.engine.refs);
  const early = new Map<number, unknown>();
  let next = 0;
  let folded: { value: unknown } | undefined;
  // Combining may be async: one after the other, in input order.
  let combining = Promise.resolve();
  await new Promise<void>((resolve, reject) => {
    const advance = async (): Promise<void> => {
      while (early.has(next)) {
        const value = early.get(next);
        early.delete(next);
        next += 1;
        folded = { value: folded === undefined ? value : await join(folded.value, value) };
        run.read(1);
      }
    };
    const failed = (error: unknown): void => {
      run.cancel(error);
      reject(error);
    };
    const arrived = (index: number, value: unknown): void => {
      early.set(index, value);
      combining = combining.then(advance);
      combining.catch(failed);
    };
    const run = new ItemRun(
      { ...spec, kind: 'fold', items: pieces.cut(spec.items), pieces, options: { ...options, chunk: 1 } },
      {
        outcome: (index, _ok, value) => arrived(index, value),
        outcomes: (first, values) => {
          for (let i = 0; i < values.length; i++) arrived(first + i, values[i]);
        },
        ended: () => combining.then(() => resolve(), failed),
        failed: reject,
      },
    );
    run.start();
  });
  return folded === undefined ? initial : (folded as { value: unknown }).value;
}

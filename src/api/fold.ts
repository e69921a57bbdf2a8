/** `reduce`: pieces of the input are folded in workers, and the folded pieces are combined here, in order. */
import { AsyncLocalStorage } from 'node:async_hooks';
import type { AnyIterable } from './input.js';
import { ItemRun, type ItemRunSpec } from './item-run.js';

/** Items folded as one piece, at most; pieces grow up to it, so that short inputs are spread too. */
const MOST = 4096;

/** Cuts the input into pieces `[initial, items, index of the first]`. */
function pieces(
  items: AnyIterable<unknown>,
  initial: unknown,
  size: (cut: number) => number,
): AnyIterable<unknown> {
  if (typeof (items as Partial<AsyncIterable<unknown>>)[Symbol.asyncIterator] === 'function') {
    return asyncPieces(items as AsyncIterable<unknown>, initial, size);
  }
  return syncPieces(items as Iterable<unknown>, initial, size);
}

function* syncPieces(
  items: Iterable<unknown>,
  initial: unknown,
  size: (cut: number) => number,
): Generator<unknown> {
  let piece: unknown[] = [];
  let first = 0;
  let cut = 0;
  for (const item of items) {
    piece.push(item);
    if (piece.length < size(cut)) continue;
    yield [initial, piece, first];
    first += piece.length;
    piece = [];
    cut += 1;
  }
  if (piece.length > 0) yield [initial, piece, first];
}

async function* asyncPieces(
  items: AsyncIterable<unknown>,
  initial: unknown,
  size: (cut: number) => number,
): AsyncGenerator<unknown> {
  let piece: unknown[] = [];
  let first = 0;
  let cut = 0;
  for await (const item of items) {
    piece.push(item);
    if (piece.length < size(cut)) continue;
    yield [initial, piece, first];
    first += piece.length;
    piece = [];
    cut += 1;
  }
  if (piece.length > 0) yield [initial, piece, first];
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
  const { chunk, onProgress: _report, ...options } = spec.options;
  const join = AsyncLocalStorage.bind(combine);
  const length = (spec.items as { length?: number }).length;
  const size = pieceSize(typeof length === 'number' ? length : undefined, chunk);
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
    const run = new ItemRun(
      { ...spec, kind: 'fold', items: pieces(spec.items, initial, size), options: { ...options, chunk: 1 } },
      {
        outcome: (index, _ok, value) => {
          early.set(index, value);
          combining = combining.then(advance);
          combining.catch(failed);
        },
        ended: () => combining.then(() => resolve(), failed),
        failed: reject,
      },
    );
    run.start();
  });
  return folded === undefined ? initial : (folded as { value: unknown }).value;
}

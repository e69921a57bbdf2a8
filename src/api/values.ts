import { type AssetStore, unpacker } from '../codec/index.js';
import { type Batch, type Column, forEntries } from '../transport/index.js';

const NOTHING: readonly never[] = [];

/** What came of consecutive items that went well. */
export function valuesOf(batch: Batch, assets: AssetStore): unknown[] {
  if (batch.kind === 'column') return numbersOf(batch);
  const values: unknown[] = [];
  const decode = unpacker(batch.bytes, NOTHING, assets);
  forEntries(batch, (from, to) => values.push(decode.itemAt(from, to)));
  return values;
}

/**
 * As arrays of the kind that holds such values only: one that is made with its length holds anything. Each is a literal of its
 * own, since V8 makes those of one place in the code all alike.
 */
export function numbersOf({ numbers, integers, count }: Column): unknown[] {
  if (numbers === undefined) {
    const nothing: undefined[] = [];
    for (let i = 0; i < count; i++) nothing.push(undefined);
    return nothing;
  }
  if (integers) {
    const whole: number[] = [];
    for (let i = 0; i < count; i++) whole.push(numbers[i]! | 0);
    return whole;
  }
  const doubles: number[] = [];
  for (let i = 0; i < count; i++) doubles.push(numbers[i]!);
  return doubles;
}

/** Puts them in their places. Integers stay such, so that an array of them is not made into one of doubles. */
export function fillWith(values: unknown[], first: number, { numbers, integers, count }: Column): void {
  if (numbers === undefined) for (let i = 0; i < count; i++) values[first + i] = undefined;
  else if (integers) for (let i = 0; i < count; i++) values[first + i] = numbers[i]! | 0;
  else for (let i = 0; i < count; i++) values[first + i] = numbers[i]!;
}

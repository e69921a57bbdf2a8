/** `map` with `into`: the workers write the results where they belong. */
import { types } from 'node:util';
import { InvalidOptionError } from '../errors.js';
import {
  type NumericArray,
  type NumericArrayType,
  nameOfArray,
  takesBigInts,
} from '../util/numeric-array.js';
import { collect, drain } from './collect.js';
import { lengthOf } from './input.js';
import type { ItemRunSpec } from './item-run-spec.js';
import { allocate } from './shared.js';

export async function mapInto(spec: ItemRunSpec, into: NumericArray): Promise<NumericArray> {
  if (spec.options.onError === 'settle') {
    throw new InvalidOptionError(
      `map: option "into" goes with onError "abort" only: a typed array has no place for failures`,
    );
  }
  const length = lengthOf(spec.items);
  if (length !== undefined && length > into.length) {
    throw new InvalidOptionError(
      `map: option "into" has ${into.length} elements, too few for the results of ${length} items`,
    );
  }
  if (spec.core.engine.apart) return collectInto(spec, into);
  const isShared = types.isSharedArrayBuffer(into.buffer);
  const target = isShared ? into : sharedTwin(into);
  const count = await drain({ ...spec, kind: 'each', around: { name: 'into', data: target } });
  if (!isShared) (into as { set(values: unknown): void }).set(target.subarray(0, count));
  return into;
}

/** Where workers cannot write into it: the results come back. */
async function collectInto(spec: ItemRunSpec, into: NumericArray): Promise<NumericArray> {
  const { length } = into;
  const holds = takesBigInts(nameOfArray(into)!) ? 'bigint' : 'number';
  const results = await collect({ ...spec, around: { name: 'numbers', data: { length, holds } } });
  (into as { set(values: unknown): void }).set(results);
  return into;
}

function sharedTwin(array: NumericArray): NumericArray {
  const name = nameOfArray(array)!;
  const type = (globalThis as unknown as Record<string, NumericArrayType>)[name]!;
  return allocate(type, name, array.length);
}

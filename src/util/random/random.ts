import { philox } from './philox.js';

/** A stream of random numbers. Called, it gives a number in [0, 1) with 53 random bits. */
export interface Random {
  (): number;
  /** A whole number in [0, end), every one as likely. `end` is at most 2^32. */
  int(end: number): number;
  /** A whole number in [start, end), every one as likely. */
  int(start: number, end: number): number;
  /** A normally distributed number; default: mean 0, standard deviation 1. */
  normal(mean?: number, deviation?: number): number;
  /** A shuffled copy. */
  shuffle<T>(items: readonly T[]): T[];
  /** One of the items. @throws RangeError where there is none. */
  pick<T>(items: readonly T[]): T;
}

const scratch = new DataView(new ArrayBuffer(8));

/** Spreads a seed over 64 bits (the finaliser of MurmurHash3 on each half), so that near seeds share nothing. */
function keyOf(seed: number): [number, number] {
  scratch.setFloat64(0, seed === 0 ? 0 : seed);
  const low = scratch.getUint32(4);
  const high = scratch.getUint32(0);
  const first = mix(low ^ mix(high ^ 0x9e3779b9));
  return [first, mix(high ^ mix(first ^ 0x85ebca6b))];
}

function mix(value: number): number {
  let h = value | 0;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

/**
 * The random stream of item `index` under `seed`: what `task().random` is in that item's task. The generator is
 * Philox4x32-10 with the seed as its key and the index in the upper half of its counter: 2^53 streams of 2^66 numbers each,
 * the same on every machine.
 */
export function createRandom(seed: number, index: number): Random {
  const [k0, k1] = keyOf(seed);
  const low = index >>> 0;
  const high = Math.floor(index / 2 ** 32) >>> 0;
  const block = new Uint32Array(4);
  let counter = 0;
  let counterHigh = 0;
  let at = 4;

  const word = (): number => {
    if (at === 4) {
      philox(counter, counterHigh, low, high, k0, k1, block);
      counter = (counter + 1) >>> 0;
      if (counter === 0) counterHigh = (counterHigh + 1) >>> 0;
      at = 0;
    }
    return block[at++]!;
  };
  const random = (): number => {
    const a = word() >>> 5;
    return (a * 67108864 + (word() >>> 6)) / 9007199254740992;
  };
  return Object.assign(random, {
    int: (first: number, end?: number): number =>
      end === undefined ? below(word, first) : first + below(word, end - first),
    normal: normalFrom(random),
    shuffle: <T>(items: readonly T[]): T[] => {
      const copy = [...items];
      for (let i = copy.length - 1; i > 0; i--) {
        const j = below(word, i + 1);
        [copy[i], copy[j]] = [copy[j]!, copy[i]!];
      }
      return copy;
    },
    pick: <T>(items: readonly T[]): T => {
      if (items.length === 0) throw new RangeError('pick needs at least one item');
      return items[below(word, items.length)]!;
    },
  });
}

/** Without bias: what lies beyond the last whole multiple of `end` is drawn again. */
function below(word: () => number, end: number): number {
  if (!Number.isInteger(end) || end < 1 || end > 2 ** 32) {
    throw new RangeError(`int needs a range of 1 to 2^32 whole numbers, not ${end}`);
  }
  const usable = 2 ** 32 - (2 ** 32 % end);
  let drawn = word();
  while (drawn >= usable) drawn = word();
  return drawn % end;
}

/** Marsaglia's polar method; the second number of each pair is kept for the next call. */
function normalFrom(random: () => number): (mean?: number, deviation?: number) => number {
  let spare: number | undefined;
  return (mean = 0, deviation = 1) => {
    if (spare !== undefined) {
      const kept = spare;
      spare = undefined;
      return mean + deviation * kept;
    }
    for (;;) {
      const u = 2 * random() - 1;
      const v = 2 * random() - 1;
      const s = u * u + v * v;
      if (s >= 1 || s === 0) continue;
      const factor = Math.sqrt((-2 * Math.log(s)) / s);
      spare = v * factor;
      return mean + deviation * u * factor;
    }
  };
}

/** Values of every type and of sizes around what fits into a ring, each with a way to see that it came back whole. */
import { inspect } from 'node:util';
import type { Dice } from './support.js';

/** The largest payload of a ring of a worker, which is 1 MiB. */
const LARGEST = 2 ** 20 / 4 - 32;
/** Around the bounds of: a word, a batch of results, a burst, a ring's largest record, the ring itself. */
const BOUNDS = [0, 8, 64, 4096, 8192, 65_536, LARGEST, 2 ** 20];

/** Bytes: near a bound, anything below the largest, or now and then some megabytes. */
export function sizeOf(dice: Dice): number {
  if (dice.once(40)) return 2 ** 20 + dice.below(4 * 2 ** 20);
  if (dice.once(3)) return dice.below(2000);
  return Math.max(0, dice.pick(BOUNDS) + dice.below(81) - 40);
}

class Point {
  x: number;
  y: number;
  constructor(x: number, y: number) {
    this.x = x;
    this.y = y;
  }
}

const makers: readonly ((dice: Dice, size: number) => unknown)[] = [
  (dice) => dice.pick([0, -0, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 31, -(2 ** 53), 5e-324]),
  (dice) => dice.pick([true, false, null, undefined, '', 'é', '\u{1f600}', '\ud800']),
  (dice) => BigInt(dice.below(2 ** 30)) ** BigInt(dice.below(9)) * (dice.once(2) ? 1n : -1n),
  (dice, size) => 'x'.repeat(size) + dice.below(10),
  (dice, size) => 'ü€'.repeat(size >> 2) + dice.below(10),
  (dice, size) => new Uint8Array(size).fill(dice.below(256)),
  (dice, size) => new Float64Array(size >> 3).fill(dice.below(1000) / 7),
  (dice, size) => new BigInt64Array(size >> 3).fill(BigInt(dice.below(1000)) - 500n),
  (dice, size) => new Uint16Array(new ArrayBuffer(size & ~1)).fill(dice.below(60_000)).subarray(size >> 3),
  (dice, size) => new Uint8Array(size).fill(dice.below(256)).buffer,
  (dice, size) => Buffer.alloc(Math.min(size, 300_000), dice.below(256)),
  (dice, size) => new DataView(new Uint8Array(size & 0xffff).fill(dice.below(256)).buffer),
  (dice, size) => Array.from({ length: size >> 6 }, (_, i) => ({ id: i, name: `n${dice.below(9)}` })),
  (dice, size) => new Map(Array.from({ length: size >> 8 }, (_, i) => [i, [dice.below(9), `v${i}`]])),
  (_, size) => new Set(Array.from({ length: size >> 8 }, (_, i) => `v${i}`)),
  (dice) => new Date(dice.below(2 ** 31) * 1000),
  (dice) => new RegExp(`a{${dice.below(9)}}`, dice.pick(['', 'g', 'iu'])),
  (dice) => new RangeError(`planned ${dice.below(99)}`, { cause: { code: dice.below(9) } }),
  (dice) => new Point(dice.below(9), dice.below(9)),
  (dice) => Object.assign(Object.create(null), { a: dice.below(9), __proto__x: 1 }),
  (dice) => {
    const loop: { n: number; self?: unknown } = { n: dice.below(9) };
    loop.self = [loop, loop];
    return loop;
  },
  // biome-ignore lint/suspicious/noSparseArray: holes travel as holes
  (dice) => [dice.below(9), , dice.below(9)],
];

export function someValue(dice: Dice): unknown {
  return dice.pick(makers)(dice, sizeOf(dice));
}

/** What two values of the same content have in common, at a price that suits megabytes. */
export function printOf(value: unknown): string {
  if (value instanceof ArrayBuffer) return `ArrayBuffer ${hashOf(new Uint8Array(value))}`;
  if (ArrayBuffer.isView(value)) {
    const bytes = new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
    return `${value.constructor.name} ${hashOf(bytes)}`;
  }
  if (typeof value === 'string') return `string ${value.length} ${hashOf(Buffer.from(value, 'utf16le'))}`;
  if (value instanceof Error) return inspect([value.name, value.message, value.cause]);
  const limits = { depth: 6, maxArrayLength: null, maxStringLength: null, breakLength: Infinity } as const;
  const text = inspect(value, limits);
  return text.length < 200 ? text : `${text.slice(0, 40)}… ${hashOf(Buffer.from(text))}`;
}

/** FNV-1a over the length and the bytes. */
function hashOf(bytes: Uint8Array): string {
  let hash = 0x811c9dc5 ^ bytes.length;
  for (let i = 0; i < bytes.length; i++) hash = Math.imul(hash ^ bytes[i]!, 0x01000193);
  return `${bytes.length} ${(hash >>> 0).toString(16)}`;
}

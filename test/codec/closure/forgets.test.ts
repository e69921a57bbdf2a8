/** Functions that leave nothing behind but their result, and those that might. */
import assert from 'node:assert/strict';
import os from 'node:os';
import test from 'node:test';
import { AssetStore, Packer, pack, prepare, unpack, unpacker } from '#simul/codec/index.js';

/** What a worker would find: whether the function, or what it uses, may keep what it sees. */
function keeps(fn: Function): boolean {
  const packed = pack([fn, []], { parts: ['fn', 'args'] });
  const store = new AssetStore();
  prepare(packed, store);
  const reader = unpacker(packed.bytes, packed.extras, store);
  reader.itemAt(0, packed.bytes.length);
  return reader.keeps;
}

const factor = 3;
const table = { rows: [1, 2] };
const helper = (n: number): Float64Array => new Float64Array(n).fill(factor);
const { sqrt } = Math;
const later = setTimeout;
const held: unknown[] = [];
const keeper = (value: unknown): unknown => later(() => value, 1);
class Model {}
const Table = Map as unknown as { rows?: Float64Array };

test('these forget', () => {
  const fns: Function[] = [
    (n: number) => new Float64Array(n),
    (n: number) => helper(n).map((value) => Math.sqrt(value) * Math.PI),
    (array: Float64Array) => {
      for (let i = 0; i < array.length; i++) array[i] = Math.sin(i) + Number.EPSILON;
      return {
        array,
        text: JSON.stringify([Number('1'), NaN]),
        list: Array.from({ length: 3 }, (_, at) => at),
      };
    },
    // Its copy of `held` and `table` is that of this call alone.
    (n: number) => {
      const array = new Uint8Array(n);
      held.push(array);
      table.rows[0] = 5;
      return array;
    },
    (grid: number[][], n: number) => {
      for (let y = 0, last = n - 1; y < n; y++) {
        for (let x = 0; x < n; x += 1) grid[y]![x] = grid[last - y]![x]! + grid[(y + 1) % n]![0]!;
      }
      return grid;
    },
    function named(n: number): unknown {
      return n > 0 ? named(n - 1) : new Map([[1, new Set([2])]]);
    },
  ];
  for (const fn of fns) assert.equal(keeps(fn), false, String(fn));
});

test('these might not', () => {
  const fns: Function[] = [
    async () => new Float64Array(5),
    function* () {
      yield new Float64Array(5);
    },
    () => setTimeout(() => {}, 1),
    () => Promise.resolve(1),
    () => keeper(1),
    () => later(() => {}, 1),
    () => os.cpus(),
    () => import('node:os'),
    () => ((globalThis as { kept?: unknown }).kept = 1),
    () => console.log(1),
    () => process.pid,
    () => new Model(),
    () => class {},
    function (this: { kept: unknown }) {
      this.kept = 1;
    },
    () => ((Math as { kept?: unknown }).kept = 1),
    () => Object.assign(Math, { kept: 1 }),
    () => {
      const holder = Math as { kept?: unknown };
      holder.kept = 1;
    },
    () => (([] as { constructor: { kept?: unknown } }).constructor.kept = 1),
    () => Reflect.get([], 'constructor') as unknown,
    () => Object.getPrototypeOf([]) as unknown,
    ({ ['prototype']: where }: typeof Array) => where,
    () => (({ constructor: where }) => where)([]),
    () => Array.prototype,
    () => new Function('return globalThis')() as unknown,
    () => new WeakRef([]),
    Math.sqrt,
    () => sqrt(2),
    (n: number) => {
      Table.rows ??= new Float64Array(n);
      return Table.rows;
    },
    (key: string) => ({})[key as never],
    (key: number) => {
      const last = key;
      return [1][last];
    },
    () => {
      let key: unknown = 1;
      key = ['pu', 'sh'].join('');
      return ([] as unknown[])[key as never];
    },
    (n: number) => {
      const push = [].push as unknown as { kept?: Float64Array };
      push.kept ??= new Float64Array(n);
      return push.kept;
    },
    () => [[].map],
    () => {
      const { at } = [];
      return at;
    },
    () => ((key) => ({})[key as never])('valueOf'),
    () => {
      for (const key of ['slice']) return ''[key as never];
      return 0;
    },
  ];
  for (const fn of fns) assert.equal(keeps(fn), true, String(fn));
});

test('what is owned is emptied as it is packed, where it can be', () => {
  const large = new Float64Array(100_000).fill(1);
  const inner = large.subarray(5);
  const small = new Uint8Array(100);
  const part = new Uint8Array(1_000_000).subarray(0, 20_000).fill(2);
  const pooled = Buffer.from('pool');
  const shared = new Uint8Array(new SharedArrayBuffer(100_000));
  const packer = new Packer({ moved: true });
  packer.item([large, inner, small, part, pooled, pooled.buffer, shared], true);
  const packed = packer.finish();
  assert.deepEqual([large.length, inner.length, part.length], [0, 0, 20_000]);
  assert.deepEqual([small.length, pooled.toString(), shared.length], [100, 'pool', 100_000]);
  const back = unpack(packed, new AssetStore()) as Uint8Array[];
  assert.equal(back[0]![99_999], 1);
  assert.equal(back[1]!.buffer, back[0]!.buffer);
  assert.deepEqual([back[3]!.length, back[3]![19_999]], [20_000, 2]);
  const copied = new Float64Array(100_000);
  const other = new Packer({ moved: true });
  other.item(copied);
  other.finish();
  assert.equal(copied.length, 100_000);
});

test('a packed value does not see what is packed after it', () => {
  const first = pack(1);
  const second = pack([new Float64Array(100_000)]);
  assert.deepEqual([first.extras.length, second.extras.length], [0, 1]);
});

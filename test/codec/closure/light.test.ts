/** Functions that nobody can tell the place of, but by the clock, and those of which that is not certain. */
import assert from 'node:assert/strict';
import os, { platform } from 'node:os';
import test from 'node:test';
import { whyNotLight } from '#simul/codec/index.js';

const factor = 3;
const names = ['a', 'b'];
const prices = new Map([['a', 1]]);
const nested = { limits: { low: 1, high: [2, 3] } };
const { sqrt } = Math;
const scale = (x: number): number => sqrt(x) * factor;
let counter = 0;
counter += 1;
const withGetter = {
  get now() {
    return Date.now();
  },
};
const withFunction = { act: () => process.exit(3) };
class Model {
  factor = 2;
}
const model = new Model();
const down = (n: number): number => (n <= 0 ? 0 : down(n - 1));
const even = (n: number): boolean => (n === 0 ? true : odd(n - 1));
const odd = (n: number): boolean => (n === 0 ? false : even(n - 1));
function named(n: number): number {
  return n <= 0 ? 0 : named(n - 1);
}
const exits = (x: number): number => (x > 0 ? x : process.exit(3));
const unknown = (fn: (x: number) => number) => fn(1);

test('these are light', () => {
  const fns: Function[] = [
    (x: number) => Math.sqrt(x) * 1.5,
    (x: number) => scale(x) + Number.parseInt('7', 10) + Math.PI - Number.EPSILON,
    (x: number, index: number) => {
      const twice = 2 * x;
      let sum = index;
      sum += twice;
      sum++;
      if (sum > 3 && x !== 2) return { sum, list: [x, twice], text: `${sum} of ${x}` };
      switch (x) {
        case 1:
          return null;
        default:
          break;
      }
      return typeof x === 'number' ? undefined : (x ?? NaN);
    },
    ({ a, b = 2 }: { a: number; b?: number }, [c] = [1]) => a + b + c,
    (row: { name: string; year: number }) => row.name.slice(0, 3).toUpperCase().charCodeAt(0) + row.year,
    (name: string) => prices.get(name) ?? names[0]!.length + nested.limits.high[1]!,
    (a: number, b: number) => {
      [a, b] = [b, a];
      return String(a) + Number(b).toFixed(2) + Boolean(a) + Array.isArray(b);
    },
    (row: { a?: { b: number } }) => row.a?.b,
    (x: number) => {
      if (x < 0) throw 'negative';
      return x;
    },
    Math.hypot,
    function plain(x: number) {
      return x + 1;
    },
  ];
  for (const fn of fns) assert.equal(whyNotLight(fn), undefined, fn.toString());
});

test('these are not, and each says why', () => {
  const fns: [Function, RegExp][] = [
    [exits, /global `process`|`process\.exit`/],
    [(x: number) => exits(x), /`exits`.*process/],
    [(x: number) => x + counter, /may change/],
    [(x: number) => x + platform().length, /import/],
    [(x: number) => x + os.EOL.length, /import/],
    [
      (x: number[]) => {
        let sum = 0;
        for (const each of x) sum += each;
        return sum;
      },
      /loop/,
    ],
    [
      (x: number) => {
        while (x > 0) x--;
        return x;
      },
      /loop/,
    ],
    [
      (x: number) => {
        do x--;
        while (x > 0);
        return x;
      },
      /loop/,
    ],
    [
      (x: number) => {
        for (;;) if (x-- < 0) return x;
      },
      /loop/,
    ],
    [
      (x: object) => {
        for (const key in x) return key;
        return '';
      },
      /loop/,
    ],
    [(x: number[]) => [...x], /loop/],
    [(x: number[]) => x.map((each) => each + 1), /`map`/],
    [(x: number[]) => x.sort(), /`sort`/],
    [(x: string) => x.repeat(9), /`repeat`/],
    [(x: string) => /(a+)+$/.test(x), /`test`|regular expression/],
    [down, /recursive/],
    [even, /recursive/],
    [named, /`named`/],
    [(x: number) => x * Math.random(), /Math\.random/],
    [() => Date.now(), /Date/],
    [() => performance.now(), /performance/],
    [() => new Date(), /new/],
    [async (x: number) => x, /async/],
    [
      function* (x: number) {
        yield x;
      },
      /generator/,
    ],
    [async () => import('node:os'), /async|import/],
    [
      (x: { a: number }) => {
        x.a = 1;
        return x;
      },
      /changes a value/,
    ],
    [
      (x: { a: number }) => {
        x.a++;
        return x;
      },
      /changes a value/,
    ],
    [
      (x: { a?: number }) => {
        delete x.a;
        return x;
      },
      /deletes/,
    ],
    [
      (x: { a: number }) => {
        ({ a: x.a } = { a: 1 });
        return x;
      },
      /changes a value/,
    ],
    [(x: number) => withGetter.now + x, /getter/],
    [(x: number) => (x > 0 ? x : withFunction.act()), /method|function/],
    [(x: number) => x * model.factor, /more than data/],
    [() => model.constructor, /constructor/],
    [(x: string) => (x as unknown as Record<string, unknown>)['constructor'], /constructor/],
    [(x: object) => ({ __proto__: x }), /prototype/],
    [(x: number) => () => x, /makes a function/],
    [(x: () => number) => x(), /not known/],
    [(x: { go(): number }) => x.go(), /`go`/],
    [(x: number) => unknown((y) => x + y), /makes a function|not known/],
    [
      function (this: unknown, x: number) {
        return [this, x];
      },
      /this/,
    ],
    [
      function () {
        // biome-ignore lint/complexity/noArguments: it is what is looked for
        return arguments.length;
      },
      /arguments/,
    ],
    [(...rest: number[]) => rest, /rest/],
    [
      (x: number) => {
        try {
          return x;
        } catch {
          return 0;
        }
      },
      /catches/,
    ],
    [(x: bigint) => x ** 1000n, /bigint/],
    [(x: unknown) => x instanceof Model, /instanceof/],
    [(x: string) => String.raw`\n${x}`, /call/],
    [Model, /class/],
    [scale.bind(null, 1), /bound/],
    [Array.prototype.sort, /harmless/],
    [platform, /export/],
    [globalThis.setTimeout, /./],
  ];
  for (const [fn, reason] of fns) assert.match(whyNotLight(fn) ?? 'light', reason, fn.toString());
});

test('a function of the language that the program has replaced is not the language’s own', () => {
  const { sqrt: original } = Math;
  const fn = (x: number): number => Math.sqrt(x) + 1;
  assert.equal(whyNotLight(fn), undefined);
  Math.sqrt = (x) => original(x) + counter++;
  try {
    assert.match(whyNotLight((x: number) => Math.sqrt(x) + 2) ?? 'light', /own/);
  } finally {
    Math.sqrt = original;
  }
  const { slice } = String.prototype;
  String.prototype.slice = function (from?: number, to?: number) {
    return slice.call(this, from, to);
  };
  try {
    assert.match(whyNotLight((x: string) => x.slice(1)) ?? 'light', /own/);
  } finally {
    String.prototype.slice = slice;
  }
});

/** Functions that nobody can tell the place of, but by the clock, and those of which that is not certain. */
import assert from 'node:assert/strict';
import os, { platform } from 'node:os';
import test from 'node:test';
import { isPristine, pack, whyNotLight } from '#simul/codec/index.js';

/** Judged as a call does: when the function has been packed. */
function verdict(fn: Function): string | undefined {
  pack(fn, { exact: true });
  return whyNotLight(fn);
}

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
  for (const fn of fns) assert.equal(verdict(fn), undefined, fn.toString());
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
    [(x: bigint) => x * 1000n, /bigint/],
    [(x: unknown) => x instanceof Model, /instanceof/],
    [(x: string) => String.raw`\n${x}`, /call/],
    [Model, /class/],
    [scale.bind(null, 1), /bound/],
    [Array.prototype.sort, /harmless/],
    [platform, /export/],
    [globalThis.setTimeout, /./],
  ];
  for (const [fn, reason] of fns) assert.match(verdict(fn) ?? 'light', reason, fn.toString());
});

const lookup = new Float64Array(100_000);
const words = Array.from({ length: 2000 }, (_, i) => `word ${i}`);
const long = 'x'.repeat(5000);
class Vec extends Float64Array {
  get norm(): number {
    return 1;
  }
}
const vec = new Vec(3);
const named3 = Object.assign((x: number) => x, { toString: () => 'seen' });
const odd3 = Object.assign(new Float64Array(3), { at: Math.random });
const f0 = (x: number): number => x;
const f1 = (x: number): number => f0(x) + f0(x);
const f2 = (x: number): number => f1(x) + f1(x) + f1(x) + f1(x);
const f3 = (x: number): number => f2(x) + f2(x) + f2(x) + f2(x);
const f4 = (x: number): number => f3(x) + f3(x) + f3(x) + f3(x);

test('long arrays of numbers are for reading their elements', () => {
  assert.equal(
    verdict((x: number) => lookup[x]! + lookup.length),
    undefined,
  );
  assert.match(verdict((x: number) => `${lookup}${x}`) ?? 'light', /values/);
  assert.match(verdict((x: number) => lookup.slice(x)[0]) ?? 'light', /values/);
  assert.match(verdict((x: number) => words[x]) ?? 'light', /values/);
  assert.match(verdict((x: number) => long.toUpperCase()[x]) ?? 'light', /long text/);
});

test('what looks like data and is more, ways around a name, and calls that add up', () => {
  const fns: [Function, RegExp][] = [
    [(x: number) => vec.norm + x, /more than data/],
    [(x: number) => `${named3}${x}`, /properties/],
    [(x: number) => odd3.at(x), /properties/],
    [() => (globalThis as Record<string, unknown>)['counter'], /global/],
    [() => process['exitCode'], /computed/],
    [(x: number) => f4(x), /more than 100/],
    [(x: number) => x ** x, /large/],
    [(x: number) => 1 << x, /^light$/],
    [
      (x: number) => {
        x **= x;
        return x;
      },
      /large/,
    ],
    [() => (Math as unknown as Record<string, unknown>)['TAU'], /computed|TAU/],
    [() => (Math as unknown as { TAU: number }).TAU, /TAU/],
  ];
  for (const [fn, reason] of fns) assert.match(verdict(fn) ?? 'light', reason, fn.toString());
});

test('a program that has changed the language’s own objects is found out', () => {
  assert.equal(isPristine(), true);
  const changes: [object, PropertyKey, unknown][] = [
    [Math, 'sqrt', (x: number) => x],
    [Math, 'sqrt', new Proxy(Math.sqrt, {})],
    [Math, 'TAU', 6.28],
    [String.prototype, 'first', 1],
    [Object.prototype, 'polluted', 1],
    [Array.prototype, Symbol.iterator, () => {}],
    [Object.getPrototypeOf(Int8Array.prototype) as object, 'at', () => {}],
    [Array, 'counter', 1],
    [globalThis, 'isNaN', () => false],
  ];
  for (const [owner, key, value] of changes) {
    const before = Object.getOwnPropertyDescriptor(owner, key);
    Object.defineProperty(owner, key, { value, configurable: true, writable: true });
    let found: boolean;
    try {
      found = !isPristine();
    } finally {
      if (before === undefined) Reflect.deleteProperty(owner, key);
      else Object.defineProperty(owner, key, before);
    }
    assert.ok(found, String(key));
  }
  assert.equal(isPristine(), true);
});

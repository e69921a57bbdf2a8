import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { AssetStore, pack, packError, prepare, registerType, unpack } from '#simul/codec/index.js';

async function there<T>(value: T, exact = false): Promise<T> {
  const packed = structuredClone(pack(value, { exact }));
  const store = new AssetStore();
  await prepare(packed, store);
  return unpack(packed, store) as T;
}

const key = fc.oneof(fc.string(), fc.constantFrom('__proto__', 'constructor', 'length', '0', 'ключ'));
const leaf = fc.oneof(
  fc.integer(),
  fc.double(),
  fc.constantFrom(-0, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53, -(2 ** 31), 2 ** 31),
  fc.string({ unit: 'binary' }),
  fc.string({ minLength: 20, maxLength: 60 }),
  fc.constantFrom('\ud800', 'a\udfffb', 'ÿ', 'Ā'),
  fc.boolean(),
  fc.constantFrom(null, undefined),
  fc.bigInt(),
  // Invalid dates have a test of their own: Node 20 takes no two of them for equal.
  fc.date({ noInvalidDate: true }),
  fc.uint8Array(),
  fc.float64Array(),
);
const { value } = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    leaf,
    fc.array(tie('value'), { maxLength: 12 }),
    fc.array(fc.integer(), { maxLength: 20 }),
    fc.dictionary(key, tie('value'), { maxKeys: 6, noNullPrototype: false }),
    fc.array(fc.tuple(tie('value'), tie('value')), { maxLength: 4 }).map((entries) => new Map(entries)),
    fc.array(tie('value'), { maxLength: 4 }).map((items) => new Set(items)),
  ),
}));

test('any data comes back equal', async () => {
  await fc.assert(
    fc.asyncProperty(value, fc.boolean(), async (data, exact) => {
      assert.deepStrictEqual(await there(data, exact), data);
    }),
    { numRuns: 1500 },
  );
});

test('bytes that are damaged give an error, never a hang', async () => {
  await fc.assert(
    fc.asyncProperty(
      value,
      fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 6 }),
      async (data, edits) => {
        const packed = pack(data);
        for (const [at, byte] of edits) {
          if (packed.bytes.length > 0) packed.bytes[at % packed.bytes.length] = byte;
        }
        try {
          unpack(packed, new AssetStore());
        } catch (error) {
          assert.ok(error instanceof Error);
        }
      },
    ),
    { numRuns: 3000 },
  );
});

test('damaged functions, classes and builtins do no harm either', async () => {
  const k = 3;
  class Base {
    static readonly z = k;
    #p = 1;
    read(): number {
      return this.#p + k;
    }
  }
  class Table extends Map<number, number> {
    readonly label = 'x';
  }
  const cycle = Object.freeze({ self: (): unknown => cycle });
  let deep: unknown = null;
  for (let i = 0; i < 400; i++) deep = { deep };
  const samples = [
    deep,
    cycle,
    Base,
    new Table([[1, 2]]),
    (): number => k,
    Math.max.bind(null, 1),
    [Symbol.for('a'), Symbol('u'), -5n, new Date(1), /a/g, new URL('http://a/b?c'), Object('s')],
    [new Intl.NumberFormat('de'), new Headers({ a: 'b' }), new DOMException('a', 'b')],
    { v: new DataView(new ArrayBuffer(64), 1, 3), w: new Float64Array(8), b: Buffer.from('abc') },
  ].flatMap((sample) => [pack(sample), pack(sample, { exact: true })]);
  const store = new AssetStore();
  for (const sample of samples) await prepare(sample, store);
  const globals = (): unknown[] =>
    [Object.prototype, Array.prototype, Function.prototype, Map.prototype].map(Object.getOwnPropertyNames);
  const before = globals();
  fc.assert(
    fc.property(
      fc.constantFrom(...samples),
      fc.array(fc.tuple(fc.nat(), fc.oneof(fc.nat(255), fc.integer({ min: 30, max: 64 }))), {
        minLength: 1,
        maxLength: 4,
      }),
      (sample, edits) => {
        const bytes = sample.bytes.slice();
        for (const [at, byte] of edits) bytes[at % bytes.length] = byte;
        try {
          unpack({ bytes, extras: sample.extras }, store);
        } catch (error) {
          assert.ok(error instanceof Error);
        }
      },
    ),
    { numRuns: 20_000 },
  );
  assert.deepEqual(globals(), before);
});

test('identity and cycles are kept', async () => {
  const shared = { n: 1 };
  const node: Record<string, unknown> = { a: shared, b: [shared, shared] };
  node['self'] = node;
  const copy = await there(node);
  assert.equal(copy['self'], copy);
  assert.equal((copy['b'] as unknown[])[0], copy['a']);
  const map = new Map<unknown, unknown>();
  map.set(map, map);
  const copied = await there(map);
  assert.equal(copied.get(copied), copied);
});

test('holes, extra properties and frozen objects', async () => {
  // biome-ignore lint/suspicious/noSparseArray: holes are the point.
  const holes = [1, , 3];
  const copy = await there(holes);
  assert.equal(1 in copy, false);
  assert.deepStrictEqual(copy, holes);
  const extra = Object.assign([1, 2], { name: 'x' });
  assert.deepStrictEqual(await there(extra), extra);
  assert.ok(Object.isFrozen(await there(Object.freeze({ a: 1 }), true)));
});

test('captured objects keep accessors, symbol keys and attributes', async () => {
  const object = {
    n: 2,
    get double() {
      return this.n * 2;
    },
    [Symbol.for('k')]: 1,
  };
  Object.defineProperty(object, 'hidden', { value: 7, enumerable: false });
  const copy = await there(object, true);
  copy.n = 5;
  assert.equal(copy.double, 10);
  assert.equal(copy[Symbol.for('k') as never], 1);
  assert.deepEqual(
    Object.getOwnPropertyDescriptor(copy, 'hidden'),
    Object.getOwnPropertyDescriptor(object, 'hidden'),
  );
});

test('buffers: views share, Buffers stay Buffers, large ones are whole', async () => {
  const buffer = new ArrayBuffer(64);
  const pair = {
    a: new Uint8Array(buffer, 8, 8),
    b: new Float64Array(buffer),
    d: new DataView(buffer, 1, 3),
  };
  const copy = await there(pair);
  assert.equal(copy.a.buffer, copy.b.buffer);
  assert.equal(copy.d.byteOffset, 1);
  assert.ok(Buffer.isBuffer(await there(Buffer.from('abc'))));
  const large = Float64Array.from({ length: 100_000 }, (_, i) => i / 3);
  for (const exact of [false, true]) {
    const back = await there(large, exact);
    assert.deepEqual(back, large);
    assert.equal(back.buffer instanceof SharedArrayBuffer, false);
  }
  const sharedWords = new Int32Array(new SharedArrayBuffer(8));
  const again = await there(sharedWords);
  Atomics.store(again, 0, 9);
  assert.equal(sharedWords[0], 9);
});

test('builtins with state of their own', async () => {
  const { invalid } = await there({ invalid: new Date(Number.NaN) });
  assert.ok(invalid instanceof Date);
  assert.ok(Number.isNaN(invalid.getTime()));
  const regexp = /a(b)?/giu;
  regexp.lastIndex = 3;
  assert.equal((await there(regexp)).lastIndex, 3);
  assert.equal((await there(new URL('https://a.b/c?d#e'))).href, 'https://a.b/c?d#e');
  assert.equal(String(await there(new URLSearchParams('a=1&a=2'))), 'a=1&a=2');
  assert.equal((await there(Object(5n))).valueOf(), 5n);
  assert.equal(await there(Symbol.for('x')), Symbol.for('x'));
  assert.equal(await there(Symbol.iterator), Symbol.iterator);
  const blob = await there(new Blob(['text']));
  assert.equal(await blob.text(), 'text');
});

class Point {
  readonly x: number;
  readonly y: number;
  constructor(x: number, y: number) {
    this.x = x;
    this.y = y;
  }
  get length(): number {
    return Math.hypot(this.x, this.y);
  }
}
class Stack extends Array<number> {
  get top(): number | undefined {
    return this.at(-1);
  }
}
class Registry extends Map<string, number> {
  label = 'r';
}

test('instances keep their class, also of subclassed builtins', async () => {
  const point = await there(new Point(3, 4));
  assert.ok(point instanceof Point);
  assert.equal(point.length, 5);
  const stack = await there(Stack.from([1, 2]) as Stack);
  assert.ok(stack instanceof Stack);
  assert.equal(stack.top, 2);
  const registry = new Registry([['a', 1]]);
  const copy = await there(registry);
  assert.ok(copy instanceof Registry);
  assert.equal(copy.get('a'), 1);
  assert.equal(copy.label, 'r');
});

test('errors keep class, fields, cause, errors and stack', async () => {
  class CodeError extends RangeError {
    readonly code: string;
    constructor(message: string, code: string, options?: ErrorOptions) {
      super(message, options);
      this.code = code;
    }
  }
  const error = new CodeError('m', 'E_X', { cause: new TypeError('inner') });
  const copy = await there(error);
  assert.ok(copy instanceof CodeError);
  assert.equal(copy.code, 'E_X');
  assert.equal(copy.stack, error.stack);
  assert.ok(copy.cause instanceof TypeError);
  const many = await there(new AggregateError([new Error('a'), 5], 'both'));
  assert.equal(many.errors.length, 2);
  assert.equal(many.errors[0].message, 'a');
  const abort = await there(new DOMException('stop', 'AbortError'));
  assert.ok(abort instanceof DOMException);
  assert.equal(abort.name, 'AbortError');
});

test('packError never fails', () => {
  const store = new AssetStore();
  const error = Object.assign(new Error('kept'), { socket: new WeakMap(), code: 5 });
  const copy = unpack(packError(error, false), store) as Error & { code: number };
  assert.equal(copy.message, 'kept');
  assert.equal(copy.code, 5);
  assert.equal('socket' in copy, false);
  assert.match(String((unpack(packError(new WeakMap(), false), store) as Error).message), /cannot be sent/);
});

test('functions: closures, recursion, mutual recursion, own properties, bound, classes', async () => {
  const base = { n: 10 };
  const add = (x: number): number => x + base.n;
  assert.equal((await there(add))(1), 11);
  const even = (n: number): boolean => (n === 0 ? true : odd(n - 1));
  const odd = (n: number): boolean => (n === 0 ? false : even(n - 1));
  assert.equal((await there(even))(10), true);
  const counter = Object.assign(() => counter.count, { count: 4 });
  assert.equal((await there(counter))(), 4);
  function greet(this: { name: string }, word: string): string {
    return `${word} ${this.name}`;
  }
  assert.equal((await there(greet.bind({ name: 'Ada' }, 'hello')))(), 'hello Ada');
  assert.equal(await there(Math.max), Math.max);
  class Secret {
    #n = 1;
    static made = 3;
    static {
      Secret.made += 1;
    }
    next(): number {
      this.#n += 1;
      return this.#n;
    }
  }
  Secret.made = 9;
  const Copy = await there({ Secret });
  assert.equal(new Copy.Secret().next(), 2);
  assert.equal(Copy.Secret.made, 9);
  const data = { list: [add, { add }] };
  const copied = await there(data);
  assert.equal(copied.list[0], (copied.list[1] as { add: unknown }).add);
});

test('registered types travel', async () => {
  class Money {
    #cents: number;
    constructor(cents: number) {
      this.#cents = cents;
    }
    get cents(): number {
      return this.#cents;
    }
  }
  assert.throws(
    () => pack({ price: new Money(5) }, { label: 'order' }),
    /order → \.price.*private fields \(#cents\)/,
  );
  registerType({
    name: 'Money',
    match: (value) => value instanceof Money,
    encode: (money: Money) => money.cents,
    decode: (cents: number) => new Money(cents),
  });
  const copy = await there({ price: new Money(7) });
  assert.ok(copy.price instanceof Money);
  assert.equal(copy.price.cents, 7);
  assert.throws(
    () => registerType({ name: 'Money', match: () => true, encode: () => 1, decode: () => 1 }),
    /Money/,
  );
});

test('what cannot travel is named, with its path', async () => {
  const net = await import('node:net');
  const socket = new net.Socket();
  const cases: [unknown, RegExp][] = [
    [{ options: { agent: socket } }, /value → \.options\.agent: it is a Socket, a live handle/],
    [[new WeakMap()], /value → \[0\]: it is a WeakMap/],
    [{ p: Promise.resolve(1) }, /\.p: it is a Promise; await it/],
    [new Proxy({}, {}), /Proxy/],

    [setTimeout(() => {}, 0), /Timeout/],
    [new Map([['k', new WeakSet()]]), /\.get\("k"\): it is a WeakSet/],
    [new AbortController().signal, /AbortSignal/],
  ];
  for (const [value, message] of cases) {
    assert.throws(() => pack(value), { code: 'SIMUL_SERIALIZATION', message });
  }
  socket.destroy();
});

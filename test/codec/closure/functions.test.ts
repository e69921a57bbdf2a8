// biome-ignore-all lint: the odd ways to write functions are what these tests are about
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { test } from 'node:test';
import { intrinsicPath, readFunction, resolveIntrinsic } from '#simul/codec/closure/index.js';
import { roundTrip } from './round-trip.js';

const factor = 3;
const helper = (x: number) => x * factor;
function even(n: number): boolean {
  return n === 0 || odd(n - 1);
}
function odd(n: number): boolean {
  return n !== 0 && even(n - 1);
}

test('arrows, declarations, expressions', async () => {
  assert.equal((await roundTrip((x: number) => helper(x) + factor))(2), 9);
  assert.equal(
    (
      await roundTrip(function (x: number) {
        return x + factor;
      })
    )(1),
    4,
  );
  assert.equal(
    (
      await roundTrip(function fact(n: number): number {
        return n < 2 ? 1 : n * fact(n - 1);
      })
    )(5),
    120,
  );
  assert.equal((await roundTrip(even))(10), true);
  assert.equal((await roundTrip(helper)).name, 'helper');
  assert.equal((await roundTrip({ a: (x: number) => x }.a)).name, 'a');
});

test('async functions and generators', async () => {
  assert.equal(await (await roundTrip(async (x: number) => helper(await x)))(2), 6);
  assert.deepEqual(
    [
      ...(
        await roundTrip(function* () {
          yield factor;
          yield helper(2);
        })
      )(),
    ],
    [3, 6],
  );
  const seen: number[] = [];
  for await (const value of (
    await roundTrip(async function* () {
      yield factor;
    })
  )())
    seen.push(value);
  assert.deepEqual(seen, [3]);
});

test('methods and accessors', async () => {
  const key = 'computed';
  const holder = {
    base: 1,
    add(x: number) {
      return this.base + x + factor;
    },
    async later() {
      return factor;
    },
    *each() {
      yield factor;
    },
    [`${key}1`]() {
      return 'c';
    },
    [[1, 2].map((x) => x + 1).join(']')]() {
      return 'odd';
    },
    *[Symbol.iterator]() {
      yield factor;
    },
    get value() {
      return this.base + factor;
    },
    set value(x: number) {
      this.base = x * factor;
    },
    'quoted name'() {
      return 1;
    },
    async() {
      return 2;
    },
    get() {
      return 3;
    },
  };
  const member = (name: string) => (holder as unknown as Record<string, () => string>)[name]!;
  assert.equal((await roundTrip(holder.add)).call({ ...holder }, 1), 5);
  assert.equal(await (await roundTrip(holder.later))(), 3);
  assert.deepEqual([...(await roundTrip(holder.each))()], [3]);
  assert.equal((await roundTrip(member('computed1')))(), 'c');
  assert.equal((await roundTrip(member('computed1'))).name, 'computed1');
  assert.equal((await roundTrip(member('2]3')))(), 'odd');
  assert.deepEqual([...(await roundTrip(holder[Symbol.iterator])).call(holder)], [3]);
  const { get, set } = Object.getOwnPropertyDescriptor(holder, 'value')!;
  assert.equal((await roundTrip(get!)).call({ base: 2 }), 5);
  const target = { base: 0 };
  (await roundTrip(set!)).call(target, 2);
  assert.equal(target.base, 6);
  assert.equal((await roundTrip(holder['quoted name']))(), 1);
  assert.equal((await roundTrip(holder.async))(), 2);
  assert.equal((await roundTrip(holder.get))(), 3);
});

test('bound functions', async () => {
  function sum(this: { a: number }, b: number, c: number) {
    return this.a + b + c + factor;
  }
  const bound = sum.bind({ a: 1 }, 2);
  assert.equal((await roundTrip(bound))(3), 9);
  const reading = readFunction(sum.bind(undefined as never, -0, 10n as never));
  assert.ok(reading.kind === 'bound');
  assert.deepEqual(reading.args, [-0, 10n]);
  assert.equal(reading.thisArg, undefined);
  assert.equal(reading.target, sum);
});

test('classes by value', async () => {
  class Base {
    #secret = factor;
    static count = helper(1);
    static #hidden = 1;
    static ready = 0;
    static {
      Base.ready = Base.#hidden + 1;
    }

    get secret() {
      return this.#secret;
    }
    set secret(x: number) {
      this.#secret = x;
    }
    #double() {
      return this.#secret * 2;
    }
    double() {
      return this.#double();
    }
    [Symbol.toPrimitive]() {
      return factor;
    }
    static [`make${factor}`]() {
      return new Base();
    }
  }
  class Derived extends Base {
    constructor(readonly extra = factor) {
      super();
    }
    override double() {
      return super.double() + this.extra;
    }
  }
  const Copy = await roundTrip(Derived);
  assert.notEqual(Copy, Derived);
  assert.equal(new Copy().double(), 9);
  assert.equal(+new Copy(2), 3);
  const Parent = await roundTrip(Base);
  assert.equal(Parent.count, 3);
  assert.equal(Parent.ready, 2);
  assert.equal(Parent.name, 'Base');
  assert.equal((await roundTrip(() => new Derived().double()))(), 9);
  assert.equal((await roundTrip(Base.prototype.constructor)).name, 'Base');
  const anonymous = (() =>
    class {
      static label = factor;
    })();
  assert.equal((await roundTrip(anonymous)).label, 3);
});

test('scopes: shadowing, patterns, defaults, catch, labels, shorthand', async () => {
  const a = 1,
    b = 2,
    unused = 3;
  void unused;
  const fn = ({ a: inner = a, ...rest }: { a?: number; z?: number }, [c = b] = [] as number[]) => {
    try {
      throw rest;
    } catch (thrown) {
      const { z } = thrown as { z: number };
      var hoisted = z;
    }
    outer: for (const i of [1, 2, 3]) {
      for (;;) {
        if (i > 1) break outer;
        else continue outer;
      }
    }
    const shorthand = { a, b };
    {
      const b = 5;
      void b;
    }
    return [
      inner,
      c,
      hoisted,
      shorthand.a + shorthand.b,
      typeof (globalThis as Record<string, unknown>)['nothing'],
    ];
  };
  const reading = readFunction(fn);
  assert.ok(reading.kind === 'code');
  assert.deepEqual([...reading.code.names].sort(), ['a', 'b']);
  assert.deepEqual((await roundTrip(fn))({ z: 7 }), [1, 2, 7, 3, 'undefined']);
});

test('globals: default ones stay free, shadowed ones and those of users are captured', async () => {
  {
    const Map = (x: number) => x + 1;
    const Object = 4;
    assert.equal((await roundTrip(() => Map(1) + Object))(), 6);
    assert.equal(
      (
        await roundTrip(
          {
            m() {
              return Object;
            },
          }.m,
        )
      )(),
      4,
    );
  }
  (globalThis as Record<string, unknown>)['userMade'] = 5;
  const reading = readFunction(() => (globalThis as Record<string, unknown>)['userMade'] + eval('1'));
  assert.ok(reading.kind === 'code' && reading.captures.length === 0);
  const direct = new Function('return userMade') as () => number;
  const captured = readFunction(direct);
  assert.ok(captured.kind === 'code');
  assert.deepEqual(captured.captures, [{ name: 'userMade', value: 5 }]);
  delete (globalThis as Record<string, unknown>)['userMade'];
});

test('arguments of the function around an arrow', async () => {
  function around(..._rest: number[]) {
    return (i: number) => (arguments[i] as number) + factor;
  }
  assert.equal((await roundTrip(around(5, 6)))(1), 9);
});

test('import.meta and a require made by createRequire', async () => {
  const require = createRequire(import.meta.url);
  assert.equal((await roundTrip(() => import.meta.url))(), import.meta.url);
  assert.equal((await roundTrip(() => import.meta.resolve('./x.js')))(), import.meta.resolve('./x.js'));
  assert.equal((await roundTrip(() => require('node:os').EOL as string))(), '\n');
  assert.equal(
    typeof (await (await roundTrip(async () => await import('./round-trip.js')))()).roundTrip,
    'function',
  );
});

test('intrinsics and builtins', async () => {
  const { join } = await import('node:path');
  const { readFile } = await import('node:fs/promises');
  const { promisify } = await import('node:util');
  for (const fn of [
    Math.sqrt,
    parseInt,
    Array.prototype.map,
    Map,
    Error,
    URL,
    console.log,
    join,
    readFile,
    promisify,
    Buffer.from,
    structuredClone,
    fetch,
  ]) {
    assert.equal(await roundTrip<Function>(fn), fn);
  }
  assert.deepEqual(readFunction(Math.sqrt), { kind: 'intrinsic', path: 'Math.sqrt' });
  assert.deepEqual(readFunction(readFile).kind, 'export');
  for (const value of [
    Math,
    JSON,
    Object.prototype,
    globalThis,
    console,
    process,
    Uint8Array.prototype,
    Reflect,
    Intl,
    Atomics,
  ]) {
    const path = intrinsicPath(value);
    assert.ok(path !== undefined);
    assert.equal(resolveIntrinsic(path), value);
  }
  assert.equal(intrinsicPath({}), undefined);
  const size = Object.getOwnPropertyDescriptor(Map.prototype, 'size')!.get!;
  assert.equal(await roundTrip<Function>(size), size);
});

test('captures are a snapshot, also when the closure was read before', () => {
  let changing = 1;
  const fn = () => changing;
  const read = () => {
    const reading = readFunction(fn);
    return reading.kind === 'code' ? reading.captures[0]?.value : undefined;
  };
  assert.equal(read(), 1);
  changing = 2;
  assert.equal(read(), 2);
});

test('fresh closures of the same code share one record', () => {
  const make = (x: number) => () => x;
  const [a, b] = [readFunction(make(1)), readFunction(make(2))];
  assert.ok(a.kind === 'code' && b.kind === 'code');
  assert.equal(a.code, b.code);
  assert.deepEqual([a.captures[0]?.value, b.captures[0]?.value], [1, 2]);
});

test('errors point at the line and column of the file', async () => {
  const fail = () => {
    throw new Error('here');
  };
  const where = (fn: () => never) => {
    try {
      fn();
    } catch (error) {
      return /[\w.-]+\.js:\d+:\d+/.exec((error as Error).stack!)![0];
    }
  };
  assert.equal(where(await roundTrip(fail)), where(fail));
  const holder = {
    method(): never {
      throw new Error('x');
    },
    get [`a${1}`](): never {
      throw new Error('y');
    },
  };
  assert.equal(where(await roundTrip(holder.method)), where(holder.method));
  const getter = Object.getOwnPropertyDescriptor(holder, 'a1')!.get as () => never;
  assert.equal(where(await roundTrip(getter)), where(getter));
});

// biome-ignore-all lint: the odd ways to write functions are what these tests are about
import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import fs from 'node:fs';
import { createRequire } from 'node:module';
import test from 'node:test';
import util, { promisify } from 'node:util';
import vm from 'node:vm';
import { alike, filePool } from './there.js';

const pool = filePool();
const k = 3;
type Any = (...args: any[]) => any;
const sloppy = (text: string): Any => vm.runInThisContext(text) as Any;

test('what was added to a class after its text, or changed by a decorator, travels', async () => {
  class A {
    m(x: number) {
      return x + k;
    }
    static s() {
      return 1;
    }
    get g() {
      return 1;
    }
  }
  const own = A.prototype.m;
  Object.defineProperty(A.prototype, 'm', {
    ...Object.getOwnPropertyDescriptor(A.prototype, 'm'),
    value(this: A, x: number) {
      return ['logged', own.call(this, x)];
    },
  });
  (A.prototype as any).added = function () {
    return this.m(1);
  };
  const first = A.s;
  A.s = () => first() + k;
  Object.defineProperty(A, 'hidden', { value: 5 });
  Object.defineProperty(A.prototype, 'g', { get: () => k * 2, configurable: true });
  await alike(pool, () => [(new A() as any).added(), A.s(), (A as any).hidden, new A().g]);
});

test('names of the builder, of the language and of sloppy code do not collide', async () => {
  const $simulAll = 1,
    $simulCaptures = 2,
    $simulFunction = 3,
    $simulName = 4,
    $simulPick = 5,
    $simulKeep = 6,
    $simulValue = 7,
    $simulAt = 8,
    import$meta = 9,
    async = 10,
    of = 11;
  await alike(pool, () => [
    $simulAll,
    $simulCaptures,
    $simulFunction,
    $simulName,
    $simulPick,
    $simulKeep,
    import$meta,
    import.meta.url,
    async,
    of,
  ]);
  const recursive = (n: number): unknown => (n > 0 ? recursive(n - 1) : [$simulValue, $simulAt]);
  await alike(pool, recursive, 2);
  await assert.rejects(pool.run(sloppy('(() => $simulFn)')), ReferenceError);
  await alike(pool, sloppy('(() => typeof $simulAll)'));
  await alike(
    pool,
    new Function(
      'var let = 1, yield = 2, await = 3, static = 4, undefined = 5, NaN = 6; return () => [let, yield, await, static, undefined, NaN]',
    )() as Any,
  );
  await alike(pool, new Function('var arguments = 5; return () => arguments')() as Any);
  await alike(pool, new Function('var eval = (x) => x + "!"; return () => eval("a")')() as Any);
  {
    const Object = 1,
      Reflect = 2,
      Function = 3,
      Array = 4,
      Symbol = 5;
    await alike(pool, () => [Object, Reflect, Function, Array, Symbol].join());
  }
});

test('sloppy functions: this, with, eval, callee, function in block, octal', async () => {
  await alike(pool, sloppy('(function(){ return this === globalThis })'));
  await alike(pool, sloppy('(function(o){ with (o) { return a + typeof b } })'), { a: 1 });
  await alike(pool, sloppy('(function(x){ return eval("x + 1") })'), 1);
  await alike(pool, sloppy('(function(n){ return n ? n + arguments.callee(n - 1) : 0 })'), 3);
  await alike(
    pool,
    sloppy('(function(){ if (0) { function h() {} } { function g() {} } return typeof h + typeof g })'),
  );
  await alike(pool, sloppy('(function(){ return 010 })'));
});

test('odd texts: comments, computed keys, regular expressions, templates, unicode', async () => {
  await alike(
    pool,
    function f(
      /* ) => { */ a: number /* ( */, // )
      b: number,
    ) {
      return [a, b, k, /[{}()]/.test('}'), /\/\*/.source, String.raw`\n${k}`];
    },
    1,
    2,
  );
  const größe = 4,
    \u{61}bc = 7;
  await alike(pool, () => größe + abc + \u0061bc);
  const o = {
    [/* ] */ 'z' /* [ */]() {
      return k;
    },
    [`${'x'}]`]() {
      return 3;
    },
    ['__proto__']() {
      return 4;
    },
    await() {
      return 5;
    },
  };
  for (const key of Reflect.ownKeys(o)) await alike(pool, (o as Record<PropertyKey, any>)[key]);
});

test('classes: builtins as parents, mixins, statics that refer to each other, private names', async () => {
  class M extends Map<number, number> {
    sum() {
      return [...this.values()].reduce((a, b) => a + b, 0);
    }
  }
  class P extends Promise<number> {
    kind() {
      return 'p';
    }
  }
  const WithA = (B: new () => object) =>
    class extends B {
      a() {
        return 'a' + k;
      }
    };
  class Z extends WithA(Object as never) {
    z() {
      return this.a() + 'z';
    }
  }
  class Color {
    static RED = new Color('r');
    static other = () => Shape.colors;
    constructor(readonly name: string) {}
  }
  class Shape {
    static colors = [Color.RED];
    #x = 1;
    static is(o: object) {
      return #x in o;
    }
  }
  const red = Color.RED;
  await alike(pool, async () => [
    new M([[1, 2]]).sum(),
    (P.resolve(4) as P).kind(),
    await P.resolve(4),
    new Z().z(),
    Color.other()[0] === Color.RED,
    red === Color.RED,
    Shape.is(new Shape()),
    Shape.is({}),
  ]);
});

test('properties of functions: hidden ones, getters, caches; constructor functions with inheritance', async () => {
  const f: any = () => [f.hidden, f.got, f.cache.get(1)];
  f.cache = new Map([[1, 2]]);
  Object.defineProperty(f, 'hidden', { value: 4 });
  Object.defineProperty(f, 'got', { get: () => k, enumerable: true });
  await alike(pool, f);
  function Base(this: any) {
    this.a = 1;
  }
  Base.prototype.m = function () {
    return this.a + k;
  };
  function Derived(this: any) {
    Base.call(this);
  }
  util.inherits(Derived as any, Base as any);
  await alike(pool, () => new (Derived as any)().m());
});

test('functions that Node made: promisify, require, those of lazily loaded modules', async () => {
  const readFile = promisify(fs.readFile);
  const sleep = promisify(setTimeout);
  const own = promisify((x: number, done: (error: null, value: number) => void) => done(null, x + k));
  const back = util.callbackify(async (x: number) => x + k);
  const other = createRequire(import.meta.url);
  const promises = fs.promises.readFile;
  const uuid = crypto.randomUUID;
  const { subtle } = crypto;
  const file = new URL(import.meta.url).pathname;
  await alike(pool, async () => [
    (await readFile(file, 'utf8')).length,
    await (sleep as any)(1, 5),
    await own(1),
    await new Promise((resolve) => back(1, (_: unknown, value: unknown) => resolve(value))),
    other('node:os').EOL,
    other.resolve('./there.js'),
    promises === fs.promises.readFile,
    uuid === crypto.randomUUID,
    subtle === crypto.subtle,
    process.stdout === (await import('node:process')).stdout,
  ]);
  const elsewhere = createRequire('/');
  await alike(pool, () => elsewhere.resolve.paths('x')?.[0]);
});

test('functions of vm contexts take the globals of their own', async () => {
  assert.equal(await pool.run(vm.runInNewContext('(x) => x * m', { m: 4 }) as Any, 2), 8);
});

test('import.meta fails for packages that are not there as it does at home', async () => {
  await alike(pool, () => {
    try {
      return import.meta.resolve('no-such-package');
    } catch (error) {
      return (error as NodeJS.ErrnoException).code;
    }
  });
});

test('a chain of functions too long for the stack is refused, never cut short', async () => {
  let f = () => 0;
  for (let i = 0; i < 20_000; i++) {
    const g = f;
    f = () => g() + 1;
  }
  await assert.rejects(pool.run(f), { name: 'SerializationError', message: /nested too deeply/ });
  assert.equal(await pool.run(() => 1), 1);
});

test('a frozen object whose function refers to it', async () => {
  const api = Object.freeze({ k, self: (): unknown => api });
  await alike(pool, () => [api.self() === api, Object.isFrozen(api), api.k]);
});

test('an emitter with its listeners', async () => {
  const emitter = new EventEmitter();
  const heard: number[] = [];
  emitter.on('x', (value: number) => heard.push(value + k));
  assert.deepEqual(
    await pool.run(() => {
      emitter.emit('x', 1);
      return heard;
    }),
    [4],
  );
});

test('getters of captured objects are not called to send them', async () => {
  const o = {
    get x(): number {
      throw new Error('called');
    },
  };
  assert.equal(await pool.run(() => typeof o), 'object');
});

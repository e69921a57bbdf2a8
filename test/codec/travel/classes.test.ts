import assert from 'node:assert/strict';
import test from 'node:test';
import { ClassShelf, Packer } from '#simul/codec/index.js';
import { registerType } from '#simul/index.js';
import { filePool } from './there.js';

const pool = filePool();

class Point {
  static made = 0;
  readonly x: number;
  constructor(x: number) {
    this.x = x;
    Point.made += 1;
  }
}

test('items are instances of the class that the function captured, and so are results', async () => {
  const results = await pool.map(
    [new Point(1), new Point(2)],
    (point) => [point instanceof Point, point] as const,
  );
  for (const [inside, point] of results) {
    assert.equal(inside, true);
    assert.ok(point instanceof Point);
  }
  assert.equal(await pool.run((point: Point) => point instanceof Point, new Point(3)), true);
});

test('error classes likewise', async () => {
  class Missing extends Error {}
  const [same] = await pool.map([new Missing('x')], (error) => error instanceof Missing);
  assert.equal(same, true);
});

test('each operation has classes of its own', async () => {
  const made = (): number => {
    new Point(1);
    return Point.made;
  };
  const before = Point.made;
  for (let i = 0; i < 3; i++) assert.equal(await pool.run(made), before + 1);
  assert.equal(Point.made, before);
});

test('a class made in a worker comes back, and goes again, as one', async () => {
  const [Made, instance] = await pool.run(() => {
    class Inner {
      readonly n = 1;
    }
    return [Inner, new Inner()] as const;
  });
  assert.ok(instance instanceof Made);
  assert.equal(await pool.run((value: unknown) => value instanceof Made, instance), true);
});

test('results of nested calls are instances of the class of the task that asked', async () => {
  const inside = await pool.run(async () => {
    const { run } = await import('#simul/index.js');
    return (await run(() => new Point(1))) instanceof Point;
  });
  assert.equal(inside, true);
});

test('a registered type is one class for the type and for every function', async () => {
  class Money {
    readonly #cents: number;
    constructor(cents: number) {
      this.#cents = cents;
    }
    get cents(): number {
      return this.#cents;
    }
  }
  class Price extends Money {
    readonly per = 'kg';
  }
  registerType({
    name: 'Money',
    match: (value) => value instanceof Money,
    encode: (money: Money) => ({ cents: money.cents, price: money instanceof Price }),
    decode: ({ cents, price }) => (price ? new Price(cents) : new Money(cents)),
  });
  const [classes, values] = await pool.run(
    (list: readonly Money[]) =>
      [
        list.map((each) => [each instanceof Money, each instanceof Price]),
        list.map((each) => (each instanceof Price ? each : new Price(each.cents * 2))),
      ] as const,
    [new Money(1), new Price(2)],
  );
  assert.deepEqual(classes, [
    [true, false],
    [true, true],
  ]);
  for (const value of values) {
    assert.ok(value instanceof Price);
    assert.equal(value.cents, 2);
  }
  const captured = new Money(9);
  assert.equal(await pool.run(() => captured.cents), 9);
  assert.deepEqual(await pool.map([new Money(4)], (money) => [money instanceof Money, money.cents]), [
    [true, 4],
  ]);
});

test('the class of items goes once for an operation, with its parent, its state and its identity', async () => {
  class Shape {
    static readonly table = 'x'.repeat(1000);
    static count = 7;
    readonly id: number;
    constructor(id: number) {
      this.id = id;
    }
    get double(): number {
      return this.id * 2;
    }
    set double(_: number) {
      throw new Error('not to be set by copying');
    }
  }
  class Circle extends Shape {
    area(): number {
      return this.id ** 2 + Shape.table.length;
    }
  }
  const make = (id: number): Shape => (id % 3 === 0 ? new Circle(id) : new Shape(id));
  const shelf = new ClassShelf();
  const packer = new Packer({ classes: shelf });
  for (let i = 0; i < 3; i++) packer.item(make(i));
  const before = packer.length;
  packer.item(make(3));
  packer.item(make(4));
  assert.ok(packer.length - before < 120, `${packer.length - before} bytes`);
  packer.finish();

  const items = Array.from({ length: 40 }, (_, id) => make(id));
  const look = (item: Shape): unknown[] => {
    Shape.count += 1;
    return [
      item.id,
      item.double,
      item instanceof Shape,
      item instanceof Circle ? item.area() : 0,
      Shape.count > 7 && (item.constructor as typeof Shape).count === Shape.count,
      Object.keys(item),
    ];
  };
  const expected = items.map(({ id }) => [id, id * 2, true, id % 3 === 0 ? id ** 2 + 1000 : 0, true, ['id']]);
  assert.deepEqual(await pool.map(items, look), expected);
  // The next operation has the state of its own time.
  Shape.count = 100;
  const [count] = await pool.map([make(1)], (item) => (item.constructor as typeof Shape).count);
  assert.equal(count, 100);
  const [both] = await pool.map([[new Shape(1), Shape] as const], ([item, type]) => item instanceof type);
  assert.equal(both, true);
});

test('instances of one class are looked at one by one', async () => {
  class Job {
    readonly n: number;
    constructor(n: number) {
      this.n = n;
    }
  }
  const key = Symbol.for('mark');
  const items = Array.from({ length: 6 }, (_, n) => new Job(n));
  Object.assign(items[1]!, { [key]: 1 });
  Object.defineProperty(items[2]!, 'secret', { value: 2, enumerable: false });
  Object.defineProperty(items[3]!, 'live', { get: () => 3, enumerable: true, configurable: true });
  Object.freeze(items[4]!);
  const list = Object.setPrototypeOf([5], Job.prototype) as Job;
  const looks = await pool.map([...items, list], (item) => [
    item instanceof Job,
    Reflect.ownKeys(item).map(String),
    Object.isFrozen(item),
    Array.isArray(item),
    (item as unknown as { live?: number }).live,
  ]);
  assert.deepEqual(looks, [
    [true, ['n'], false, false, undefined],
    [true, ['n', 'Symbol(mark)'], false, false, undefined],
    [true, ['n', 'secret'], false, false, undefined],
    [true, ['n', 'live'], false, false, 3],
    [true, ['n'], true, false, undefined],
    [true, ['n'], false, false, undefined],
    [true, ['0', 'length'], false, true, undefined],
  ]);
  const handle = Object.assign(new Job(9), { _handle: {} });
  await assert.rejects(
    pool.map([new Job(1), handle], (item) => item.n),
    /item: it is a Job, a live handle/,
  );
  const promise = Object.setPrototypeOf(Promise.resolve(1), Job.prototype) as Job;
  await assert.rejects(
    pool.map([new Job(1), promise], (item) => item.n),
    /it is a Promise/,
  );
});

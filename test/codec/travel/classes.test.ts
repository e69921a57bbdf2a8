import assert from 'node:assert/strict';
import test from 'node:test';
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

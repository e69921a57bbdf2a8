import assert from 'node:assert/strict';
import { open } from 'node:fs/promises';
import test from 'node:test';
import { MessageChannel } from 'node:worker_threads';
import { pack } from '#simul/codec/index.js';
import { alike, everyWay, filePool, there } from './there.js';

const pool = filePool();

test('data of any depth, in objects, arrays, instances and maps', async () => {
  class Node {
    readonly next: unknown;
    readonly at: number;
    constructor(next: unknown, at: number) {
      this.next = next;
      this.at = at;
    }
  }
  const depth = 100_000;
  const count = (list: unknown): number => {
    let n = 0;
    for (let at = list; at !== null; n++) {
      if (Array.isArray(at)) at = at[0];
      else if (at instanceof Map) at = at.get('next');
      else at = (at as { next: unknown }).next;
    }
    return n;
  };
  let mixed: unknown = null;
  for (let i = 0; i < depth; i++) {
    mixed =
      i % 4 === 0
        ? { next: mixed, at: i }
        : i % 4 === 1
          ? [mixed]
          : i % 4 === 2
            ? new Node(mixed, i)
            : new Map([['next', mixed]]);
  }
  assert.equal(await pool.run(count, mixed), depth);
  assert.equal(count(await pool.run((value: unknown) => value, mixed)), depth);
  assert.equal(await pool.run(() => count(mixed)), depth);
});

test('what lies deep keeps identity, cycles and the order of its keys', async () => {
  const shared = { shared: true };
  const root: Record<string, unknown> = {};
  let value: Record<string, unknown> = { end: shared, back: root };
  for (let i = 0; i < 1000; i++) value = { before: shared, value, after: i };
  root['value'] = value;
  const copy = await there(root);
  let at = copy['value'] as Record<string, unknown>;
  const before = at['before'];
  while (at['value'] !== undefined) {
    assert.deepEqual(Object.keys(at), ['before', 'value', 'after']);
    assert.equal(at['before'], before);
    at = at['value'] as Record<string, unknown>;
  }
  assert.equal(at['end'], before);
  assert.equal(at['back'], copy);
});

test('symbols of one thread are themselves within a message, between messages and at home', async () => {
  const mine = Symbol('mine');
  const o = { [mine]: 1 };
  assert.deepEqual(await pool.run((a: symbol, b: symbol) => [a === b, a.description], mine, mine), [
    true,
    'mine',
  ]);
  assert.equal(await pool.run(() => o[mine]), 1);
  const sent = await pool.run((s: symbol) => s, mine);
  assert.equal(sent, mine);
  class Keyed {
    readonly [mine] = 5;
    read(): number {
      return this[mine];
    }
  }
  const keyed = new Keyed();
  assert.equal(await pool.run((value: Keyed) => value.read(), keyed), 5);
  const [theirs, again] = await pool.run(() => {
    const s = Symbol('theirs');
    return [s, { s }] as const;
  });
  assert.equal(theirs, again.s);
});

test('resizable buffers stay resizable, views follow them', async () => {
  const Resizable = ArrayBuffer as unknown as new (n: number, o: { maxByteLength: number }) => ArrayBuffer;
  const buffer = new Resizable(8, { maxByteLength: 64 });
  const view = new Uint8Array(buffer);
  view[3] = 4;
  const grown = await pool.run((bytes: Uint8Array) => {
    (bytes.buffer as unknown as { resize(n: number): void }).resize(16);
    return [bytes.length, bytes[3], (bytes.buffer as unknown as { maxByteLength: number }).maxByteLength];
  }, view);
  assert.deepEqual(grown, [16, 4, 64]);
});

test('a view brings its buffer only where something else uses it', async () => {
  const large = new ArrayBuffer(1 << 20);
  const lone = new Uint8Array(large, 4096, 16).fill(7);
  const size = ({ bytes, extras }: ReturnType<typeof pack>): number =>
    extras.reduce<number>((sum, part) => sum + (part as ArrayBuffer).byteLength, bytes.length);
  assert.ok(size(pack(lone)) < 200);
  await everyWay(pool, lone, (copy) => assert.deepEqual(copy, lone));
  const pair = { lone, other: new Float64Array(large, 8, 2), whole: large };
  await everyWay(pool, pair, (copy) => {
    assert.equal(copy.lone.buffer, copy.whole);
    assert.equal(copy.other.buffer, copy.whole);
    assert.equal(copy.lone.byteOffset, 4096);
    copy.lone[0] = 9;
    assert.equal(new Uint8Array(copy.whole)[4096], 9);
  });
});

test('small Buffers and views of them leave the slab of strangers behind', async () => {
  const secret = Buffer.from('secret');
  const bytes = new Uint8Array(secret.buffer, secret.byteOffset, secret.length);
  assert.ok(pack([secret, bytes, Buffer.from('other')]).bytes.length < 300);
  await everyWay(pool, { secret, bytes }, (copy) => {
    assert.ok(Buffer.isBuffer(copy.secret));
    assert.equal(copy.secret.toString(), 'secret');
    assert.deepEqual([...copy.bytes], [...secret]);
    assert.ok(copy.bytes.buffer.byteLength < 100);
  });
});

test('arrays: holes beside extra properties, numbers with holes, long ones, arguments', async () => {
  const hole: unknown[] & { x?: number } = [1, 2, 3];
  delete hole[1];
  hole.x = 2;
  for (const length of [10, 300, 5000]) {
    const numbers: number[] & { x?: number } = Array.from({ length }, (_, i) => i);
    await everyWay(pool, numbers, (copy) => assert.deepStrictEqual(copy, numbers));
    const extra: typeof numbers = Object.assign([...numbers], { x: 1 });
    await everyWay(pool, extra, (copy) => assert.deepStrictEqual(copy, extra));
    const holes: typeof numbers = [...numbers];
    delete holes[length - 1];
    await everyWay(pool, holes, (copy) => {
      assert.deepStrictEqual(copy, holes);
      assert.equal(length - 1 in copy, false);
    });
  }
  await everyWay(pool, hole, (copy) => {
    assert.deepStrictEqual(copy, hole);
    assert.equal(1 in copy, false);
  });
  (function (..._rest: number[]) {
    // biome-ignore lint/complexity/noArguments: the object itself is the point.
    return alike(pool, (list: ArrayLike<number>) => [list.length, list[1]], arguments);
  })(5, 6);
});

test('builtins with properties of their own; frozen instances and collections', async () => {
  const values = [
    Object.assign(new Date(1), { tz: 'x' }),
    Object.assign(new Map([[1, 2]]), { tz: 'x' }),
    Object.assign(new Set([1]), { tz: 'x' }),
    Object.assign(/a/g, { tz: 'x' }),
  ];
  await everyWay(pool, values, (copies) => {
    assert.deepStrictEqual(copies, values);
    for (const copy of copies) assert.equal(copy.tz, 'x');
  });
  class Fixed {
    readonly a = 1;
    constructor() {
      Object.freeze(this);
    }
  }
  const fixed = new Fixed();
  await everyWay(pool, fixed, (copy) => assert.ok(Object.isFrozen(copy)));
  const map = Object.freeze(new Map([[1, 2]]));
  assert.equal(await pool.run(() => Object.isFrozen(map)), true);
});

test('builtins that show all there is to know of them', async () => {
  const form = new FormData();
  form.append('a', '1');
  const values = {
    headers: new Headers({ a: '1' }),
    form,
    encoder: new TextEncoder(),
    decoder: new TextDecoder('utf-16le'),
    number: new Intl.NumberFormat('de-DE', { style: 'currency', currency: 'EUR' }),
    date: new Intl.DateTimeFormat('en-GB', { timeZone: 'UTC', dateStyle: 'long' }),
    collator: new Intl.Collator('sv'),
    plural: new Intl.PluralRules('ar'),
    list: new Intl.ListFormat('en', { type: 'disjunction' }),
    relative: new Intl.RelativeTimeFormat('en', { numeric: 'auto' }),
    names: new Intl.DisplayNames('en', { type: 'region' }),
    segmenter: new Intl.Segmenter('en', { granularity: 'word' }),
    locale: new Intl.Locale('en-US'),
  };
  await everyWay(pool, values, (copy) => {
    assert.equal(copy.headers.get('a'), '1');
    assert.equal(copy.form.get('a'), '1');
    assert.equal(copy.decoder.encoding, 'utf-16le');
    assert.equal(copy.number.format(5), values.number.format(5));
    assert.equal(copy.date.format(0), values.date.format(0));
    assert.equal(copy.list.format(['a', 'b']), 'a or b');
    assert.equal(copy.relative.format(1, 'day'), 'tomorrow');
    assert.equal(copy.names.of('DE'), 'Germany');
    assert.equal(String(copy.locale), 'en-US');
    for (const [key, value] of Object.entries(copy)) {
      assert.equal(value.constructor, values[key as keyof typeof values].constructor);
    }
  });
  const { Temporal } = globalThis as { Temporal?: { PlainDate: { from(text: string): object } } };
  if (Temporal === undefined) return;
  const day = Temporal.PlainDate.from('2024-01-02');
  await everyWay(pool, day, (copy) => assert.equal(String(copy), '2024-01-02'));
});

test('things of which every thread has one', async () => {
  await alike(
    pool,
    (math: Math, all: { json: JSON; here: typeof globalThis }) => [
      math === Math,
      all.json === JSON,
      all.here === globalThis,
    ],
    Math,
    { json: JSON, here: globalThis },
  );
  const { env, stdout } = process;
  const web = crypto;
  assert.deepEqual(await pool.run(() => [env['PATH'], stdout === process.stdout, web === crypto]), [
    env['PATH'],
    true,
    true,
  ]);
});

test('errors: getters, fields under symbols, no stack, a DOMException with a cause', async () => {
  class Rich extends Error {
    readonly x = 4;
    get code(): string {
      return `E${this.x}`;
    }
  }
  const error = new Rich('m');
  Object.defineProperty(error, 'detail', { get: () => 'd', enumerable: true });
  Object.defineProperty(error, 'bad', {
    get: () => {
      throw new Error('bad');
    },
    enumerable: true,
  });
  const mine = Symbol('mine');
  Object.assign(error, { [mine]: 1 });
  const stopped = new DOMException('m', { name: 'X', cause: 5 } as never);
  const bare = new Error('bare');
  Object.assign(bare, { stack: undefined });
  await everyWay(pool, { error, stopped, bare }, (copy) => {
    assert.equal(copy.error.code, 'E4');
    assert.equal((copy.error as unknown as { detail: string }).detail, 'd');
    assert.equal((copy.error as unknown as Record<symbol, number>)[mine], 1);
    assert.equal(copy.stopped.name, 'X');
    assert.equal((copy.stopped as Error).cause, 5);
    assert.equal(copy.bare.stack, undefined);
  });
  const cycle = new Error('a', { cause: new Error('b') });
  (cycle.cause as Error).cause = cycle;
  await everyWay(pool, cycle, (copy) => assert.equal((copy.cause as Error).cause, copy));
});

test('what cannot travel is refused by name, whichever way it goes', async () => {
  const handle = await open(new URL(import.meta.url));
  const channel = new MessageChannel();
  const refused: [unknown, RegExp][] = [
    [new WeakRef({}), /WeakRef/],
    [new FinalizationRegistry(() => undefined), /FinalizationRegistry/],
    [(function* () {})(), /generator that has begun/],
    [(async function* () {})(), /generator that has begun/],
    [[1].values(), /iterator that has begun/],
    [new Map().keys(), /iterator that has begun/],
    ['a'.matchAll(/a/g), /iterator that has begun/],
    [handle, /FileHandle/],
    [channel.port1, /MessagePort/],
    [new ReadableStream(), /ReadableStream/],
    [new Response('x'), /Response/],
    [webAssemblyMemory(), /Memory/],
    [structuredCloneAway(), /transferred away/],
  ];
  for (const [value, message] of refused) {
    const connection = { options: { agent: value } };
    const named = (path: string) => ({
      name: 'SerializationError',
      code: 'SIMUL_SERIALIZATION',
      message,
      path,
    });
    await assert.rejects(
      pool.run(() => connection.options),
      named('connection.options.agent'),
    );
    await assert.rejects(
      pool.run((x: unknown) => x, connection),
      named('args[0].options.agent'),
    );
    await assert.rejects(
      pool.map([connection], (x) => x),
      named('item.options.agent'),
    );
  }
  channel.port1.close();
  await handle.close();
  assert.equal(await pool.run(() => 1), 1);
});

function webAssemblyMemory(): object {
  const { WebAssembly } = globalThis as unknown as {
    WebAssembly: { Memory: new (o: { initial: number }) => object };
  };
  return new WebAssembly.Memory({ initial: 1 });
}

function structuredCloneAway(): Uint8Array {
  const bytes = new Uint8Array(8);
  structuredClone(bytes, { transfer: [bytes.buffer] });
  return bytes;
}

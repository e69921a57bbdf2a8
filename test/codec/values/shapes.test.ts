/** Objects with the same keys again and again, which are written and read by code made for them. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import test from 'node:test';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { AssetStore, Packer, unpacker } from '#simul/codec/index.js';

/** Enough that code has been made on both sides. */
const OFTEN = 24;

interface Chunk {
  readonly bytes: Uint8Array;
  readonly offsets: readonly number[];
}

function chunkOf(items: readonly unknown[]): Chunk {
  const packer = new Packer();
  const offsets = [0];
  for (const item of items) {
    packer.item(item);
    offsets.push(packer.length);
  }
  return { bytes: packer.finish().bytes, offsets };
}

/** The items from `from` on, of a chunk that was cut there. */
function read({ bytes, offsets }: Chunk, from = 0): unknown[] {
  const start = offsets[from]!;
  const decode = unpacker(bytes.slice(start), [], new AssetStore());
  return offsets.slice(from, -1).map((at, i) => decode.itemAt(at - start, offsets[from + i + 1]! - start));
}

const key = fc.oneof(
  fc.string({ maxLength: 6 }),
  fc.constantFrom('__proto__', 'constructor', 'a-b', '"', '\u2028', '0', '-1', '01', 'ключ', 'x'.repeat(70)),
);
const value = fc.oneof(
  fc.integer(),
  fc.double(),
  fc.constantFrom(-0, Number.NaN, 2 ** 31, -(2 ** 31), null, undefined, true, 12n, Symbol.iterator, 'ÿ', 'Ā'),
  fc.string({ maxLength: 40 }),
  fc.array(fc.integer(), { maxLength: 3 }),
  fc.dictionary(fc.string({ maxLength: 3 }), fc.integer(), { maxKeys: 3, noNullPrototype: true }),
);

test('any objects with the same keys come back equal, with their keys in order, wherever the chunk is cut', () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(key, { maxLength: 8 }),
      fc.array(fc.array(value, { minLength: 8, maxLength: 8 }), { minLength: 1, maxLength: 5 }),
      fc.nat(OFTEN - 1),
      (keys, rows, cut) => {
        const items = Array.from({ length: OFTEN }, (_, i) => {
          const row = rows[i % rows.length]!;
          const item = {};
          for (const [place, name] of keys.entries()) {
            Object.defineProperty(item, name, {
              value: row[place],
              writable: true,
              enumerable: true,
              configurable: true,
            });
          }
          return item;
        });
        const copies = read(chunkOf(items), cut);
        assert.deepStrictEqual(copies, items.slice(cut));
        for (const copy of copies) assert.deepEqual(Object.keys(copy as object), Object.keys(items[0]!));
      },
    ),
    { numRuns: 400 },
  );
});

test('identity, cycles and depth within an object of a known shape', () => {
  interface Node {
    id: number;
    self: unknown;
    parts: unknown[];
    more: unknown;
  }
  const items = Array.from({ length: OFTEN }, (_, id): Node => {
    const node: Node = { id, self: undefined, parts: [], more: undefined };
    node.self = node;
    const shared = { of: id };
    node.parts = [shared, node, new Set([node, shared]), new Map([[node, shared]])];
    let deep: unknown = { id: -1, self: node, parts: [], more: shared };
    for (let level = 0; level < 400; level++) deep = { id: level, self: null, parts: [deep], more: shared };
    node.more = deep;
    return node;
  });
  for (const [id, copy] of (read(chunkOf(items)) as Node[]).entries()) {
    const [shared, self, set, map] = copy.parts as [object, Node, Set<unknown>, Map<unknown, unknown>];
    assert.equal(copy.id, id);
    assert.equal(copy.self, copy);
    assert.equal(self, copy);
    assert.deepEqual([...set], [copy, shared]);
    assert.equal(map.get(copy), shared);
    let deep = copy.more as Node;
    for (let level = 399; level >= 0; level--) {
      assert.equal(deep.id, level);
      assert.equal(deep.more, shared);
      deep = deep.parts[0] as Node;
    }
    assert.equal(deep.self, copy);
  }
});

test('getters are read, what is hidden stays, and a getter that throws takes nothing else along', () => {
  const packer = new Packer({ label: 'item' });
  const make = (b: () => number): object =>
    Object.defineProperties(
      { a: 1 },
      {
        b: { get: b, enumerable: true },
        c: { value: 3, enumerable: false },
        [Symbol('s')]: { value: 4, enumerable: true },
      },
    );
  for (let i = 0; i < OFTEN; i++) packer.item(make(() => i));
  const before = packer.length;
  assert.throws(
    () =>
      packer.item(
        make(() => {
          throw new RangeError('not now');
        }),
      ),
    /not now/,
  );
  assert.equal(packer.length, before);
  packer.item(make(() => 7));
  const { bytes } = packer.finish();
  const last = unpacker(bytes, [], new AssetStore()).itemAt(before, bytes.length) as object;
  assert.deepStrictEqual(last, { a: 1, b: 7 });
  assert.equal(Object.getOwnPropertyDescriptor(last, 'b')?.writable, true);
});

test('integers stay small integers, and all copies of a shape have one hidden class', () => {
  const code = `
    const { Packer, unpacker, AssetStore } = await import(process.argv[1]);
    const packer = new Packer();
    const offsets = [0];
    for (let i = 0; i < 40; i++) {
      packer.item({ a: i, b: i + 0.5, c: 'x' });
      offsets.push(packer.length);
    }
    const { bytes } = packer.finish();
    const decode = unpacker(bytes, [], new AssetStore());
    const copies = offsets.slice(0, -1).map((at, i) => decode.itemAt(at, offsets[i + 1]));
    const warm = copies.slice(20);
    console.log(warm.every((copy) => %HaveSameMap(copy, warm[0])), warm.every((copy) => %IsSmi(copy.a)));`;
  const entry = import.meta.resolve('#simul/codec/index.js');
  const flags = ['--allow-natives-syntax', '--input-type=module', '-e', code, entry];
  assert.equal(execFileSync(process.execPath, flags, { encoding: 'utf8' }).trim(), 'true true');
});

test('the same where text may not become code', () => {
  const flags = ['--disallow-code-generation-from-strings', '--test-reporter=tap'];
  if (process.execArgv.includes(flags[0]!)) {
    assert.throws(() => new Function('return 1'));
    return;
  }
  const env = { ...process.env };
  delete env['NODE_TEST_CONTEXT'];
  const output = execFileSync(process.execPath, [...flags, fileURLToPath(import.meta.url)], {
    encoding: 'utf8',
    env,
  });
  assert.match(output, /# fail 0/);
});

test('keys that are damaged give an error, never a hang', () => {
  const items = Array.from({ length: OFTEN }, (_, i) => ({ alpha: i, beta: 'b', gamma: [i], delta: { i } }));
  const { bytes, offsets } = chunkOf(items);
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 4 }),
      fc.nat(OFTEN - 1),
      (edits, item) => {
        const damaged = bytes.slice();
        const from = offsets[item]!;
        for (const [at, byte] of edits) damaged[from + (at % (offsets[item + 1]! - from))] = byte;
        try {
          unpacker(damaged, [], new AssetStore()).itemAt(from, offsets[item + 1]!);
        } catch (error) {
          assert.ok(error instanceof Error);
        }
        // What is known of shapes has not suffered.
        assert.deepStrictEqual(read({ bytes, offsets }), items);
      },
    ),
    { numRuns: 2000 },
  );
});

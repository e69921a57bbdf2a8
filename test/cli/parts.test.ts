/** The parts that need no process: readers, the done set, output formats. */
import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import test from 'node:test';
import { parse } from 'csv-parse/sync';
import fc from 'fast-check';
import { csvRows } from '#simul/cli/csv-rows.js';
import { DoneSet } from '#simul/cli/done-set.js';
import { jsonItems, MalformedInput } from '#simul/cli/json-items.js';
import { lines } from '#simul/cli/lines.js';
import { outputFormat, outputKind } from '#simul/cli/output-format.js';
import { UsageError } from '#simul/cli/usage.js';

async function* inPieces(text: string, size: number): AsyncGenerator<string> {
  for (let i = 0; i < text.length; i += size) yield text.slice(i, i + size);
}

const flat = async <T>(batches: AsyncIterable<readonly T[]>): Promise<T[]> => (await all(batches)).flat();

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = [];
  for await (const item of items) list.push(item);
  return list;
}

test('the items of any JSON array come out, however it is laid out and cut', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.jsonValue()),
      fc.constantFrom(0, 1, 2),
      fc.integer({ min: 1, max: 40 }),
      async (values, indent, size) => {
        const texts = await flat(
          jsonItems(inPieces(`\ufeff ${JSON.stringify(values, null, indent)}\n`, size)),
        );
        assert.deepEqual(
          texts.map((text) => JSON.parse(text)),
          JSON.parse(JSON.stringify(values)),
        );
      },
    ),
  );
});

test('a JSON text that is no array is one item', async () => {
  for (const text of ['{"a":[1,2]}', ' 12 ', '"a,b]"', '{"a":\n1}']) {
    assert.deepEqual(await flat(jsonItems(inPieces(text, 3))), [text.trim()]);
  }
  assert.deepEqual(await flat(jsonItems(inPieces(' \n', 1))), []);
});

test('what is wrong between the items of an array is told after those before it', async () => {
  for (const [text, count, what] of [
    ['[1, 2', 1, /ends within/],
    ['[1, {"a": 2', 1, /ends within/],
    ['[1, 2,]', 2, /comma before/],
    ['[1,,2]', 1, /between two commas/],
    ['[1] [2]', 1, /after the end/],
    ['[1]\n]', 1, /after the end/],
  ] as const) {
    for (const size of [1, 2, 100]) {
      const items: string[] = [];
      await assert.rejects(
        async () => {
          for await (const batch of jsonItems(inPieces(text, size))) items.push(...batch);
        },
        (error) => error instanceof MalformedInput && what.test(error.message),
      );
      assert.equal(items.length, count, text);
    }
  }
});

test('lines end at LF and CR LF alone', async () => {
  const text = '\ufeffa\r\nb\u2028c\rd\n\nlast';
  for (const size of [1, 2, 3, 100]) {
    assert.deepEqual(await flat(lines(inPieces(text, size))), ['a', 'b\u2028c\rd', '', 'last']);
  }
  assert.deepEqual(await flat(lines(inPieces('a\n', 1))), ['a']);
  assert.deepEqual(await flat(lines(inPieces('', 1))), []);
});

test('rows of a CSV are objects by its header; a wrong one is an error in its place', async () => {
  const rows = await all(
    csvRows(
      Readable.from(['\ufeffid,__proto__\n1,"a\n""b"""\n2\n', '3,c,d\n\n4,e\n'].map((s) => Buffer.from(s))),
    ),
  );
  assert.deepEqual(
    rows.map((row) => (row instanceof Error ? row.message : JSON.stringify(row))),
    [
      '{"id":"1","__proto__":"a\\n\\"b\\""}',
      'the row has 1 cells where the header has 2',
      'the row has 3 cells where the header has 2',
      '{"id":"4","__proto__":"e"}',
    ],
  );
  await assert.rejects(all(csvRows(Readable.from([Buffer.from('a,b,a\n1,2,3\n')]))), /"a" twice/);
  await assert.rejects(all(csvRows(Readable.from([Buffer.from('a\n"1"2\n')]))), MalformedInput);
});

test('the done set is a set of numbers, as few ranges as can be', () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.nat(60)), (numbers) => {
      const done = new DoneSet();
      for (const n of numbers) done.add(n);
      const again = new DoneSet(JSON.parse(JSON.stringify(done.ranges())));
      for (const set of [done, again]) {
        assert.equal(set.size, numbers.length);
        for (let n = 0; n <= 62; n++) assert.equal(set.has(n), numbers.includes(n), `${n} of ${numbers}`);
      }
      const starts = numbers.filter((n) => !numbers.includes(n - 1)).length;
      assert.equal(done.ranges().length, starts);
    }),
  );
  const twice = new DoneSet([[0, 3]]);
  assert.throws(() => twice.add(1), /done already/);
});

test('JSON output is one array, CSV output reads back', () => {
  fc.assert(
    fc.property(fc.array(fc.record({ a: fc.string(), 'b "x"': fc.string() }), { minLength: 1 }), (rows) => {
      for (const kind of ['json', 'csv', 'ndjson'] as const) {
        const format = outputFormat(kind);
        const text =
          rows.map((row, i) => format.add(JSON.stringify(row), i)).join('') + format.end(rows.length);
        const back: unknown =
          kind === 'json'
            ? JSON.parse(text)
            : kind === 'csv'
              ? parse(text, { columns: true, skip_empty_lines: true })
              : text
                  .trimEnd()
                  .split('\n')
                  .map((line) => JSON.parse(line) as unknown);
        assert.deepEqual(
          back,
          rows.map((row) => ({ ...row })),
        );
      }
    }),
  );
  assert.equal(outputFormat('json').end(0), '[]\n');
});

test('CSV output: other values, missing and unknown columns', () => {
  const csv = outputFormat('csv');
  assert.equal(csv.add('{"a":1,"b":{"c":[2]}}', 0), 'a,b\n1,"{""c"":[2]}"\n');
  assert.equal(csv.add('{"b":null}', 1), ',\n');
  assert.throws(() => csv.add('{"c":1}', 2), /"c", for which the CSV has no column: its first row has a, b/);
  assert.throws(() => csv.add('5', 2), /"value"/);
  assert.deepEqual(csv.columns, ['a', 'b']);
  const resumed = outputFormat('csv', csv.columns);
  assert.equal(resumed.add('{"b":true,"a":" x"}', 3), '" x",true\n');
  const values = outputFormat('csv');
  assert.equal(values.add('""', 0), 'value\n""\n');
  assert.equal(values.add('[1,2]', 1), '"[1,2]"\n');
  assert.throws(() => outputFormat('csv').add('{}', 0), /without properties/);
});

test('an output’s ending says its format', () => {
  assert.equal(outputKind(undefined), 'ndjson');
  assert.equal(outputKind('a.CSV'), 'csv');
  assert.equal(outputKind('a.json'), 'json');
  assert.equal(outputKind('a.txt'), 'ndjson');
  assert.throws(() => outputKind('a.parquet'), UsageError);
});

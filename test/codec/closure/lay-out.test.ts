import assert from 'node:assert/strict';
import test from 'node:test';
import { parse } from 'acorn';
import fc from 'fast-check';
import { layOut } from '#simul/codec/closure/lay-out.js';

const texts = [
  '(a) => { return a++ + `x $' + '{a ? `y$' + '{a}` : "z"} \n two`; }',
  'async function* f(a, ...b) { for await (const x of b) { yield x; if (x) continue; else break; } return a; }',
  'class A extends B { static async *m() {} get x() { return super.x; } static { this.y = 1; } #p = /a\\/b/g; async q() { await 1; } }',
  'function g() {\n  // a comment\n  let a = 1, b = 2; a\n  ++b; throw new Error(`$' +
    '{a}`, { cause: b }); }',
  'x => y => ({ get: 1, set: 2, async: 3, [x]: async () => x?.y ?? !y })',
  '() => { do { x-- } while (x) label: for (;;) { break label } return\n 5 }',
];

const shape = (text: string): string =>
  JSON.stringify(
    parse(`(${text}\n)`, { ecmaVersion: 'latest', allowSuperOutsideMethod: true }),
    (key, value) =>
      key === 'start' || key === 'end' ? undefined : typeof value === 'bigint' ? String(value) : value,
  );

test('text that is laid out anew means the same, whatever the map says', () => {
  fc.assert(
    fc.property(fc.constantFrom(...texts), fc.integer(), (text, seed) => {
      let state = seed;
      const laid = layOut(text, 'expression', { line: 3, column: 4 }, () => {
        state = (state * 1103515245 + 12345) & 0x7fffffff;
        return state % 5 === 0 ? undefined : { line: state % 40, column: state % 7 };
      });
      if (laid) assert.equal(shape(laid.source), shape(text));
    }),
    { numRuns: 2000 },
  );
});

test('each token comes to the line that the map gives', () => {
  const text = '()=>{const a=1;if(a)throw new Error("x");return a}';
  const lines = new Map([
    [0, 10],
    [5, 11],
    [15, 13],
    [20, 14],
    [41, 16],
  ]);
  const laid = layOut(text, 'expression', { line: 0, column: 0 }, (_, column) => {
    const line = Math.max(...[...lines].filter(([from]) => from <= column).map(([, to]) => to));
    return { line, column: 2 };
  });
  assert.deepEqual(laid, {
    source: '()=>{\n  const a=1;\n\n  if(a)\n  throw new Error("x");\n\n  return a}',
    line: 10,
    column: 2,
  });
});

test('a method', () => {
  const laid = layOut('m(){return 1}', 'method', { line: 0, column: 0 }, (_, column) => ({
    line: column < 4 ? 1 : 2,
    column: 0,
  }));
  assert.equal(laid?.source, 'm(){\nreturn 1}');
});

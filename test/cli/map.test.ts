/** `simul map`: formats, modules, failures, usage. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import test from 'node:test';
import { Scratch } from './support.js';

const limits = { timeout: 60_000 };
const module_ = {
  'fn.mjs': `
    export default (record, index) => [index, record];
    export const picky = (n) => { if (Number(n) % 3 === 0) throw new RangeError('no ' + n); return n * 2; };
    export const word = 'text';
    export function* count(n) { yield 1; yield Number(n); }
  `,
};

function jsonLines(text: string): unknown[] {
  assert.ok(text === '' || text.endsWith('\n'));
  return text
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as unknown);
}

test('each format, by ending or --format; several files and standard input', limits, async (t) => {
  const scratch = new Scratch(t);
  scratch.write({
    ...module_,
    'a.txt': 'x\r\ny\n',
    'b.ndjson': '{"n":1}\n\n"\u2028"\n',
    'c.csv': 'n,m\n1,"two, 2"\n',
    'd.json': '[{"a":[1,2]}, null]',
    'e.json': '{"whole":[1]}',
  });
  const many = await scratch.map(['./fn.mjs', 'a.txt', 'b.ndjson', 'c.csv', 'd.json', 'e.json', '-'], 'last');
  assert.equal(many.stderr, '');
  assert.deepEqual(jsonLines(many.stdout), [
    [0, 'x'],
    [1, 'y'],
    [2, { n: 1 }],
    [3, '\u2028'],
    [4, { n: '1', m: 'two, 2' }],
    [5, { a: [1, 2] }],
    [6, null],
    [7, { whole: [1] }],
    [8, 'last'],
  ]);
  assert.equal(many.code, 0);
  const given = await scratch.map(['fn.mjs', '--format', 'json'], '[1, "2"]');
  assert.deepEqual(jsonLines(given.stdout), [
    [0, 1],
    [1, '2'],
  ]);
  const empty = await scratch.map(['fn.mjs', '-'], '');
  assert.deepEqual(empty, { code: 0, signal: null, stdout: '', stderr: '' });
});

test('outputs by their endings', limits, async (t) => {
  const scratch = new Scratch(t);
  scratch.write({ 'row.mjs': "export default (n) => ({ n: Number(n), text: 'a,' + n });", n: '1\n2\n' });
  for (const [name, text] of [
    ['o.csv', 'n,text\n1,"a,1"\n2,"a,2"\n'],
    ['o.json', '[\n{"n":1,"text":"a,1"},\n{"n":2,"text":"a,2"}\n]\n'],
    ['o.ndjson', '{"n":1,"text":"a,1"}\n{"n":2,"text":"a,2"}\n'],
    ['o', '{"n":1,"text":"a,1"}\n{"n":2,"text":"a,2"}\n'],
  ] as const) {
    const { code, stdout, stderr } = await scratch.map(['row.mjs', 'n', '--output', name]);
    assert.deepEqual({ code, stdout, stderr }, { code: 0, stdout: '', stderr: '' });
    assert.equal(scratch.read(name), text);
  }
});

test('failed records are told by file and number, the others are there', limits, async (t) => {
  const scratch = new Scratch(t);
  scratch.write({
    ...module_,
    a: '1\n2\n3\n',
    'b.ndjson': '4\n{oops\n6\n7\n',
    'c.json': '[8, 9, 10',
    'd.csv': 'n\n1\n1,2\n',
  });
  const { code, stdout, stderr } = await scratch.map(['fn.mjs#picky', 'a', 'b.ndjson', 'c.json', 'd.csv']);
  assert.equal(code, 1);
  assert.deepEqual(stdout.split('\n'), ['2', '4', '8', '14', '16', 'null', '']);
  const told = stderr.trimEnd().split('\n');
  assert.match(told[0]!, /^a:3: RangeError: no 3 \(fn\.mjs:3:\d+\)$/);
  assert.match(told[1]!, /^b\.ndjson:2: SyntaxError: it is not JSON: /);
  assert.match(told[2]!, /^b\.ndjson:3: RangeError: no 6/);
  assert.match(told[3]!, /^c\.json:2: RangeError: no 9/);
  assert.match(told[4]!, /^c\.json:3: Error: the file ends within the array/);
  assert.match(told[5]!, /^d\.csv:2: Error: the row has 2 cells where the header has 1/);
  assert.equal(told[6], 'simul: 6 of 12 records failed');
  assert.equal(told.length, 7);
});

test('unordered failures name their own records', limits, async (t) => {
  const scratch = new Scratch(t);
  const numbers = Array.from({ length: 300 }, (_, i) => i + 1);
  scratch.write({ ...module_, n: numbers.join('\n') });
  const { code, stdout, stderr } = await scratch.map(['--unordered', 'fn.mjs#picky', 'n']);
  assert.equal(code, 1);
  const failed = [...stderr.matchAll(/^n:(\d+): RangeError: no (\d+)/gm)].map(([, line, n]) => {
    assert.equal(line, n);
    return Number(n);
  });
  assert.deepEqual(
    failed.sort((a, b) => a - b),
    numbers.filter((n) => n % 3 === 0),
  );
  const good = jsonLines(stdout) as number[];
  assert.deepEqual(
    good.sort((a, b) => a - b),
    numbers.filter((n) => n % 3 !== 0).map((n) => n * 2),
  );
});

test('--halt stops at the first failure, in order', limits, async (t) => {
  const scratch = new Scratch(t);
  scratch.write({ ...module_, n: Array.from({ length: 5000 }, (_, i) => i + 1).join('\n') });
  const { code, stdout, stderr } = await scratch.map(['--halt', 'fn.mjs#picky', 'n']);
  assert.equal(code, 1);
  assert.equal(stdout, '2\n4\n');
  assert.match(
    stderr,
    /^n:3: RangeError: no 3.*\nsimul: halted at the first record that failed; 2 records done\n$/,
  );
});

test('--retries and --timeout', limits, async (t) => {
  const scratch = new Scratch(t);
  scratch.write({
    'flaky.mjs': `
      import { existsSync, writeFileSync } from 'node:fs';
      export default (n) => {
        if (!existsSync('seen' + n)) { writeFileSync('seen' + n, ''); throw new Error('first'); }
        return n;
      };
      export const stuck = (n) => { if (n === '2') for (;;); return n; };
    `,
    n: '1\n2\n3\n',
  });
  const retried = await scratch.map(['flaky.mjs', 'n', '--retries', '1']);
  assert.deepEqual(retried, { code: 0, signal: null, stdout: '"1"\n"2"\n"3"\n', stderr: '' });
  const timed = await scratch.map(['flaky.mjs#stuck', 'n', '--timeout', '200']);
  assert.equal(timed.code, 1);
  assert.equal(timed.stdout, '"1"\n"3"\n');
  assert.match(timed.stderr, /^n:2: TaskTimeoutError: /);
});

test(
  'results that are no plain JSON: undefined, generators, BigInt, functions; what is thrown need be no error',
  limits,
  async (t) => {
    const scratch = new Scratch(t);
    scratch.write({
      ...module_,
      'odd.mjs': `export default (n) => {
      if (n === 'undefined') return;
      if (n === 'bigint') return 1n;
      if (n === 'function') return () => 1;
      if (n === 'null') throw null;
      if (n === 'string') throw 'thrown';
      return new Map();
    };`,
      kinds: 'undefined\nbigint\nfunction\nnull\nstring\nmap\n',
    });
    const { stdout, stderr, code } = await scratch.map(['odd.mjs', 'kinds']);
    assert.equal(code, 1);
    assert.equal(stdout, 'null\n{}\n');
    assert.match(stderr, /^kinds:2: TypeError: .*BigInt/m);
    assert.match(stderr, /^kinds:3: TypeError: the result is a function, which JSON cannot hold/m);
    assert.match(stderr, /^kinds:4: Error: threw null/m);
    assert.match(stderr, /^kinds:5: Error: threw thrown/m);
    assert.equal((await scratch.map(['fn.mjs#count'], '7')).stdout, '[1,7]\n');
  },
);

test('a record whose function ends its worker fails alone', limits, async (t) => {
  const scratch = new Scratch(t);
  scratch.write({
    'exit.mjs': `export default (n) => { if (n === '2') process.exit(3); return n; };`,
    n: '1\n2\n3\n4\n',
  });
  const { code, stdout, stderr } = await scratch.map(['exit.mjs', 'n']);
  assert.equal(code, 1);
  assert.deepEqual(jsonLines(stdout), ['1', '3', '4']);
  assert.match(stderr, /^n:2: WorkerCrashedError: /);
});

test(
  'modules: TypeScript, CommonJS, packages, builtins; never evaluated in the main thread',
  limits,
  async (t) => {
    const scratch = new Scratch(t);
    scratch.write({
      'typed.ts': `
      import { isMainThread } from 'node:worker_threads';
      import { twice } from './helper';
      if (isMainThread) throw new Error('evaluated in the main thread');
      enum Kind { a = 'A' }
      export default (line: string): string => twice(line) + Kind.a;
    `,
      'helper.ts': 'export const twice = (s: string): string => s + s;',
      'common.cjs': 'module.exports = (line) => line.length; module.exports.other = (line) => line + "!";',
      'dynamic.cjs': 'const all = { hidden: (line) => "hid " + line }; Object.assign(module.exports, all);',
      'with#hash.mjs': 'export default () => "hash";',
    });
    mkdirSync(scratch.path('node_modules/only-import'), { recursive: true });
    writeFileSync(
      scratch.path('node_modules/only-import/package.json'),
      '{"name":"only-import","type":"module","exports":{"import":"./index.js"}}',
    );
    writeFileSync(scratch.path('node_modules/only-import/index.js'), 'export const hi = (s) => "hi " + s;');
    for (const [module, result] of [
      ['./typed.ts', 'ababA'],
      ['common.cjs', 2],
      ['common.cjs#other', 'ab!'],
      ['dynamic.cjs#hidden', 'hid ab'],
      ['only-import#hi', 'hi ab'],
      ['node:path#extname', ''],
      ['with#hash.mjs', 'hash'],
    ] as const) {
      const { code, stdout, stderr } = await scratch.map([module], 'ab\n');
      assert.deepEqual(
        { code, stderr, out: jsonLines(stdout) },
        { code: 0, stderr: '', out: [result] },
        module,
      );
    }
  },
);

test('what tasks print goes to standard error', limits, async (t) => {
  const scratch = new Scratch(t);
  scratch.write({
    'print.mjs': `export default (n) => { console.log('log', n); process.stdout.write('raw\\n'); return 1; };`,
  });
  const { stdout, stderr } = await scratch.map(['print.mjs'], '5');
  assert.equal(stdout, '1\n');
  assert.equal(stderr, 'log 5\nraw\n');
});

test('progress: lines of JSON, or one plain line at the end of a short run', limits, async (t) => {
  const scratch = new Scratch(t);
  scratch.write({ ...module_, n: '1\n2\n4\n' });
  const json = await scratch.run(['map', 'fn.mjs#picky', 'n', '--progress', 'json']);
  const states = json.stderr
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, number>);
  const { done, failed, total, fraction } = states.at(-1)!;
  assert.deepEqual({ done, failed, total, fraction }, { done: 3, failed: 0, total: 3, fraction: 1 });
  const plain = await scratch.run(['map', 'fn.mjs#picky', 'n']);
  assert.match(plain.stderr, /^100 %, 3\/3, .*\n$/);
});

test('wrong usage: status 2, one clear line, nothing written', { timeout: 180_000 }, async (t) => {
  const scratch = new Scratch(t);
  scratch.write({
    ...module_,
    n: '1\n',
    out: 'precious',
    'broken.mjs': 'export default (',
    'throws.mjs': 'throw new Error("at the top")',
    'nothing.mjs': '',
  });
  symlinkSync('n', scratch.path('link'));
  for (const [args, what] of [
    [[], /command is missing/],
    [['fold'], /unknown command fold/],
    [['bench'], /not part of this version/],
    [['map'], /needs a MODULE/],
    [['map', 'fn.mjs', '--frobnicate'], /unknown option '--frobnicate'\n/],
    [['map', 'fn.mjs', '--workers', '0'], /--workers must be a whole number, 1 or more, not "0"/],
    [['map', 'fn.mjs', '--retries', 'x'], /--retries must be a whole number, 0 or more/],
    [['map', 'fn.mjs', '--timeout', '-1'], /--timeout/],
    [['map', 'fn.mjs', '--format', 'xml'], /--format must be lines or ndjson or csv or json, not "xml"/],
    [['map', 'fn.mjs', '--format', 'parquet'], /cannot read Parquet/],
    [['map', 'fn.mjs', 'data.parquet'], /data\.parquet: this version cannot read Parquet/],
    [['map', 'fn.mjs', 'n', '--output', 'o.parquet'], /cannot write Parquet/],
    [['map', 'fn.mjs', '--progress', 'loud'], /--progress/],
    [['map', 'fn.mjs', '--kind', 'process'], /cannot run worker processes/],
    [['map', 'fn.mjs', '--kind', 'fibre'], /--kind must be thread/],
    [['map', 'fn.mjs', '--ray', 'auto'], /cannot use a Ray cluster/],
    [['map', './none.mjs', 'n', '-o', 'out'], /none\.mjs: there is no such module/],
    [['map', 'none', 'n', '-o', 'out'], /none: there is no such file here, and no such package/],
    [['map', '.', 'n', '-o', 'out'], /is a folder/],
    [['map', 'broken.mjs', 'n', '-o', 'out'], /broken\.mjs cannot be imported: SyntaxError/],
    [['map', 'throws.mjs', 'n', '-o', 'out'], /throws\.mjs cannot be imported: Error: at the top/],
    [['map', 'nothing.mjs', 'n', '-o', 'out'], /no export "default"; it exports nothing/],
    [
      ['map', 'fn.mjs#nope', 'n', '-o', 'out'],
      /no export "nope"; functions it exports: count, default, picky/,
    ],
    [['map', 'fn.mjs#word', 'n', '-o', 'out'], /"word" of fn\.mjs is no function/],
    [['map', 'fn.mjs', 'missing', '-o', 'out'], /missing: the input cannot be opened: there is no such file/],
    [['map', 'fn.mjs', '.', '-o', 'out'], /\. is a folder/],
    [['map', 'fn.mjs', '-', '-'], /named twice/],
    [
      ['map', 'fn.mjs', 'n', '-o', 'none/out'],
      /none\/out: the output cannot be opened: there is no such file/,
    ],
    [['map', 'fn.mjs', 'n', '-o', 'link'], /--output link would overwrite n/],
    [['map', 'fn.mjs', 'n', '-o', 'fn.mjs'], /would overwrite/],
    [['map', 'fn.mjs', 'n', '--resume', 'j'], /--resume needs --output/],
    [['map', 'fn.mjs', '-', '--resume', 'j', '-o', 'new'], /standard input cannot be read a second time/],
    [['map', 'fn.mjs', 'n', '--resume', 'j', '-o', '/dev/null'], /no regular file/],
    [['map', 'fn.mjs', 'n', '--resume', 'out', '-o', 'new'], /out is no journal/],
    [['map', 'fn.mjs', 'n', '--resume', 'same', '-o', 'same'], /the same file/],
    [['doctor', 'x'], /doctor takes no arguments/],
  ] as const) {
    const { code, stdout, stderr } = await scratch.run(args);
    assert.equal(stdout, '', args.join(' '));
    assert.match(stderr, what, args.join(' '));
    assert.equal(stderr.split('\n').length, 3, stderr);
    assert.equal(code, 2, args.join(' '));
  }
  assert.equal(scratch.read('out'), 'precious');
  assert.equal(scratch.read('n'), '1\n');
  assert.ok(!existsSync(scratch.path('j')));
  const workers = await scratch.start(['map', 'fn.mjs', 'n'], { env: { SIMUL_WORKERS: 'many' } }).ended;
  assert.match(workers.stderr, /SIMUL_WORKERS must be a positive whole number/);
  assert.equal(workers.code, 2);
});

test('--help and --version', limits, async (t) => {
  const scratch = new Scratch(t);
  for (const args of [['--help'], ['-h'], ['help'], ['map', '--help'], ['doctor', '--help']]) {
    const { code, stdout, stderr } = await scratch.run(args);
    assert.equal(stderr, '');
    assert.match(stdout, /^simul map MODULE\[#EXPORT\] \[FILES…\]/);
    assert.equal(code, 0);
  }
  const { code, stdout } = await scratch.run(['--version']);
  assert.match(stdout, /^\d+\.\d+\.\d+\n$/);
  assert.equal(code, 0);
});

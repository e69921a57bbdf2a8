/** The examples, as users run them: in the checkout by their script, and beside the installed package as they are. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { before } from 'node:test';
import { bin, execute, Home, nodeMajor, type Ran, root } from './packaging/support.js';

interface Row {
  readonly band: string;
  readonly flights: number;
  readonly mean: number;
  readonly low: number;
  readonly high: number;
}

const sources = (await readdir(join(root, 'examples'))).filter((name) => name.endsWith('.ts'));

let project: string;
before(async () => {
  const home = await Home.install();
  const files: Record<string, string> = {};
  for (const name of sources) files[name] = await readFile(join(root, 'examples', name), 'utf8');
  project = await home.project('examples', { type: 'module', files, tools: ['tsx', 'vega-datasets'] });
});

/** Beside the installed package: by Node.js itself where it knows TypeScript, else by tsx. */
async function example(name: string, args: readonly string[] = [], workers = 2): Promise<Ran> {
  const runner = nodeMajor >= 24 ? [] : [await bin('tsx')];
  const env = { SIMUL_WORKERS: String(workers), NO_COLOR: '1' };
  const ran = await execute(process.execPath, [...runner, `${name}.ts`, ...args], { cwd: project, env });
  assert.equal(ran.code, 0, ran.stderr);
  return ran;
}

const checkout = (args: readonly string[]): Promise<Ran> =>
  execute(process.execPath, args, { cwd: root, env: { SIMUL_WORKERS: '2', NO_COLOR: '1' } });

/** The numbers of each line. */
const numbers = (text: string): number[][] =>
  text
    .trim()
    .split('\n')
    .map((line) => [...line.matchAll(/\d+(?:\.\d+)?/g)].map(Number));

test('examples are listed, and but for the main job shorter than 40 lines', async () => {
  const list = await readFile(join(root, 'examples/README.md'), 'utf8');
  for (const name of sources) {
    assert.ok(list.includes(`(${name})`), `examples/README.md lists ${name}`);
    const lines = (await readFile(join(root, 'examples', name), 'utf8')).trimEnd().split('\n').length;
    assert.ok(lines < 40 || name === 'flight-delays.ts', `${name} has ${lines} lines`);
  }
});

test('flight-delays: the same JSON for any number of workers, in the checkout and outside', async () => {
  const args = ['--json', '--resamples', '40'];
  const [one, two, three] = [
    await example('flight-delays', args, 1),
    await example('flight-delays', args, 2),
    await checkout(['scripts/start.js', ...args]),
  ];
  assert.equal(three.code, 0, three.stderr);
  assert.equal(one.stderr, '');
  assert.equal(one.stdout, two.stdout);
  assert.equal(one.stdout, three.stdout);
  const rows = JSON.parse(one.stdout) as Row[];
  // Counted and averaged from the file by other means.
  const expected: [string, number, number][] = [
    ['0–249', 35219, 7.3846],
    ['250–499', 55609, 7.6246],
    ['500–999', 61578, 7.8132],
    ['1000 and over', 47594, 7.0379],
  ];
  assert.deepEqual(
    rows.map(({ band, flights, mean }) => [band, flights, Number(mean.toFixed(4))]),
    expected,
  );
  for (const { low, mean, high } of rows) {
    // 40 resamples tell the ends of an interval of about 0.6 minutes roughly.
    assert.ok(low < mean && mean < high && high - low > 0.3 && high - low < 1.2, `${low} ${mean} ${high}`);
  }
});

test('flight-delays: a table with its times; plain lines of progress where there is no terminal', async () => {
  const { stdout, stderr } = await example('flight-delays', ['--resamples', '20'], 2);
  assert.match(stdout, /^ *miles +flights +mean delay +95 % interval\n/);
  assert.match(stdout, /^ +250–499 +55,609 +7\.62 min +\d\.\d\d min to \d\.\d\d min$/m);
  assert.match(
    stdout,
    /^\d+\.\d\d s on 2 workers, \d+\.\d\d s as a plain loop on one core: \d+\.\d\d times as fast\.$/m,
  );
  assert.match(stderr, /^resamples: 100 %, 80\/80, .*\/s, in 0:\d\d, \d\/2 workers busy\n$/m);
  assert.ok(!stderr.includes('\r') && !stderr.includes('\x1b'));
});

test('count-in-range', async () => {
  const { stdout } = await example('count-in-range', ['0', '2']);
  assert.match(stdout, /^ {2}3 5 8 3 5 {2}-> {2}0\n {2}4 0 9 5 0 {2}-> {2}2\n {2}0 4 5 6 8 {2}-> {2}1$/m);
  const shares = numbers(stdout).slice(-6);
  for (const [count, share, expected] of shares) {
    assert.ok(Math.abs(share! - expected!) < 0.5, `${count}: ${share} %, not ${expected} %`);
  }
  assert.ok(Math.abs(shares.reduce((sum, [, share]) => sum + share!, 0) - 100) < 0.05);
});

test('hypotenuse: four workers share the rows', async () => {
  const { stdout } = await example('hypotenuse', [], 1);
  assert.match(stdout, /│ 0 +│ 25 +│ 82 +│ 85\.73 │/);
  assert.match(stdout, /^100000 rows; /m);
  const shares = [...stdout.matchAll(/^worker (\d) solved (\d+) rows$/gm)].map((match) => Number(match[2]));
  assert.equal(shares.length, 4);
  assert.equal(
    shares.reduce((a, b) => a + b),
    100_000,
  );
  assert.ok(shares.filter((share) => share > 0).length > 1, shares.join(' '));
});

test('cross-validation: the same errors for any number of workers, with a best number between', async () => {
  const { stdout } = await example('cross-validation', [], 1);
  assert.equal((await example('cross-validation', [], 3)).stdout, stdout);
  const table = numbers(stdout);
  assert.deepEqual(
    table.map(([k]) => k),
    [1, 2, 4, 8, 16, 32, 64, 128],
  );
  const best = table.reduce((a, b) => (b[1]! < a[1]! ? b : a));
  assert.ok(best[0]! > 1 && best[0]! < 128, stdout);
  assert.ok(best[1]! > 3 && best[1]! < 5, stdout);
});

test('pi: the same estimate for one worker and three, another for another seed', async () => {
  const first = ({ stdout }: Ran): string => stdout.split('\n')[0]!;
  const one = first(await example('pi', [], 1));
  assert.equal(first(await example('pi', [], 3)), one);
  assert.notEqual(first(await example('pi', ['4'], 2)), one);
  const [[estimate, error]] = numbers(one) as [[number, number]];
  assert.ok(error < 0.002 && Math.abs(estimate - Math.PI) < 2 * error, one);
});

test('mandelbrot: the picture of one thread, as large as the set is', async () => {
  const { stdout } = await example('mandelbrot', ['240']);
  assert.match(stdout, /^on all cores: [\d.]+m?s/m);
  assert.match(stdout, /^The same as in one thread\.$/m);
  const [, inside, all] = /^(\d+) of (\d+) points are in the set$/m.exec(stdout)!;
  // Its area is 1.5066, that of the picture 3 × 2.
  assert.equal(Number(all), 240 * 160);
  assert.ok(Math.abs(Number(inside) / Number(all) - 1.5066 / 6) < 0.005, `${inside} of ${all}`);
});

test('hash-folder: what sha256 says of each file, in order', async () => {
  const { stdout, stderr } = await example('hash-folder', [join(root, 'src/util')]);
  const lines = stdout.trimEnd().split('\n');
  const paths = lines.map((line) => line.slice(66));
  assert.deepEqual(paths, [...paths].sort());
  for (const [i, path] of paths.entries()) {
    const content = await readFile(join(project, path));
    assert.equal(lines[i], `${createHash('sha256').update(content).digest('hex')}  ${path}`);
  }
  const expected = (await readdir(join(root, 'src/util'), { recursive: true })).filter((name) =>
    name.includes('.'),
  );
  assert.equal(lines.length, expected.length);
  assert.match(stderr, new RegExp(`^${lines.length} files, \\d+ bytes\n$`));

  const own = await example('hash-folder');
  assert.ok(own.stdout.includes('index.js'), 'by default the folder of the installed package');
  assert.ok(existsSync(join(project, own.stdout.trimEnd().split('\n')[0]!.slice(66))));
});

test('web-server: the light route answers while the heavy one counts', async () => {
  const { stdout, stderr } = await example('web-server');
  assert.equal(stderr, '');
  const heavy = [...stdout.matchAll(/^\/primes: 78498 primes in (\d+) ms$/gm)].map((match) =>
    Number(match[1]),
  );
  assert.equal(heavy.length, 6);
  const [, count, median] = /^\/: (\d+) answers meanwhile, half of them within ([\d.]+) ms$/m.exec(stdout)!;
  // In the thread of the server, each would have waited for one whole count.
  assert.ok(Number(median) < Math.min(...heavy) / 2, stdout);
  assert.ok(Number(count) > heavy.length, stdout);
});

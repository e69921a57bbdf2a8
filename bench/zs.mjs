import { Pool, shared } from 'simul';

const pool = new Pool({ workers: 2 });
const N = 2 ** 22;
const doubles = shared(
  Float64Array,
  new Float64Array(N).map((_, i) => i / 7),
);
const ends = (values) => values[0] + values[values.length - 1];
const one = (x) => x;
const med = (t) =>
  t
    .slice(20)
    .sort((a, b) => a - b)
    [Math.floor((t.length - 20) / 2)].toFixed(4);
for (const [n, f, a] of [
  ['number', one, 1],
  ['shared', ends, doubles],
  ['array64', one, new Float64Array(8)],
  ['number', one, 1],
  ['shared', ends, doubles],
]) {
  const t = [];
  for (let i = 0; i < 2000; i++) {
    const b = performance.now();
    await pool.run(f, a);
    t.push(performance.now() - b);
  }
  console.log(n, med(t));
}
await pool.close();

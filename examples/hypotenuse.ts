/**
 * The hypotenuse of each row of a table, on a pool of four workers: a table of 100,000 right-angled triangles gets
 * one more column.
 */
import { createRandom, Pool, task } from 'simul';

const random = createRandom(2, 0);
const table = Array.from({ length: 100_000 }, (_, id) => ({
  id,
  a: random.int(1, 100),
  b: random.int(1, 100),
}));

const pool = new Pool({ workers: 4 });
const solved = await pool.map(table, (row) => ({
  ...row,
  c: Math.hypot(row.a, row.b),
  worker: task().worker,
}));
await pool.close();

const rounded = solved.map(({ worker, ...row }) => ({ ...row, c: Number(row.c.toFixed(2)) }));
console.table(rounded.slice(0, 5));

const whole = rounded.filter(({ c }) => Number.isInteger(c)).length;
const longest = Math.max(...rounded.map(({ c }) => c));
console.log(
  `${solved.length} rows; in ${whole} the hypotenuse is a whole number; the longest is ${longest}.`,
);
for (let worker = 0; worker < 4; worker++) {
  const share = solved.filter((row) => row.worker === worker).length;
  console.log(`worker ${worker} solved ${share} rows`);
}

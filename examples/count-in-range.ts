/**
 * How many numbers of each row lie in a range? 200,000 rows of five digits; the range is a captured variable.
 *
 * node scripts/example.js count-in-range [low high]     4 and 8 by default, both included
 */
import { createRandom, map } from 'simul';

const [low = 4, high = 8] = process.argv.slice(2).map(Number);
const random = createRandom(1, 0); // the same rows each time
const rows = Array.from({ length: 200_000 }, () => Array.from({ length: 5 }, () => random.int(10)));

const counts = await map(rows, (row) => row.filter((n) => n >= low && n <= high).length);

console.log(`How many of five digits lie in ${low} to ${high}: the first rows`);
for (const [i, row] of rows.slice(0, 3).entries()) console.log(`  ${row.join(' ')}  ->  ${counts[i]}`);

console.log('and how often each count comes up, beside what chance says:');
const share = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9].filter((n) => n >= low && n <= high).length / 10;
const ways = [1, 5, 10, 10, 5, 1];
for (const [k, choose] of ways.entries()) {
  const rowsWithIt = counts.filter((count) => count === k).length;
  const expected = choose * share ** k * (1 - share) ** (5 - k);
  console.log(`  ${k}: ${percent(rowsWithIt / rows.length)} of the rows, expected ${percent(expected)}`);
}

function percent(part: number): string {
  return `${(part * 100).toFixed(2)} %`.padStart(7);
}

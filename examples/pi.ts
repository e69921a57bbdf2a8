/**
 * Pi by throwing darts, with reproducible randomness: every task has its own random stream, so a seed gives the same
 * estimate on any number of workers.
 *
 * node scripts/example.js pi [seed]
 * SIMUL_WORKERS=1 node scripts/example.js pi     the same estimate
 */
import { map, pool, task } from 'simul';

const TASKS = 200;
const DARTS = 25_000;
const seed = Number(process.argv[2] ?? 3);

function throwDarts(): number {
  const { random } = task();
  let inside = 0;
  for (let i = 0; i < DARTS; i++) if (random() ** 2 + random() ** 2 < 1) inside++;
  return inside;
}

const begun = performance.now();
const hits = await map(new Array<void>(TASKS).fill(undefined), throwDarts, { seed });
const elapsed = performance.now() - begun;

const share = hits.reduce((sum, inside) => sum + inside, 0) / (TASKS * DARTS);
const deviation = 4 * Math.sqrt((share * (1 - share)) / (TASKS * DARTS));
console.log(`pi is about ${(4 * share).toFixed(6)}, give or take ${(2 * deviation).toFixed(6)}`);
console.log(`${TASKS * DARTS} darts, seed ${seed}, ${elapsed.toFixed(0)} ms on ${pool().size} workers`);

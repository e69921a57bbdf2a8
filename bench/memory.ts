/** The most memory a process has when it streams few items and a thousand times as many. */
import { child } from './child.js';
import { median } from './rounds.js';
import type { Table } from './table.js';

const COUNTS = [10_000, 10_000_000] as const;
const REPEATS = 3;
const WITHIN_MB = 20;

export async function memory(): Promise<Table> {
  const peaks = COUNTS.map((): number[] => []);
  for (let i = 0; i < REPEATS; i++) {
    for (const [at, count] of COUNTS.entries()) peaks[at]!.push(child('stream.mjs', String(count)));
  }
  const [few, many] = peaks.map(median) as [number, number];
  const more = many - few;
  return {
    title: 'memory, MB at most',
    columns: COUNTS.map((count) => `${count.toLocaleString('en')} items`),
    higherIsBetter: false,
    rows: [{ name: 'simul', role: 'simul', values: [few, many] }],
    figures: [
      {
        what: `memory: a stream of ${COUNTS[1].toLocaleString('en')}`,
        against: `of ${COUNTS[0].toLocaleString('en')}`,
        reached: `${more.toFixed(1)} MB more`,
        target: `${WITHIN_MB} MB`,
        met: more <= WITHIN_MB,
      },
    ],
  };
}

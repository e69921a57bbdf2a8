/** What a program waits for before anything runs: the import, and the first result of a pool without a worker yet. */
import { child } from './child.js';
import { median, ROUNDS } from './rounds.js';
import type { Table } from './table.js';

const SAMPLES = ['import-nothing', 'import-simul', 'bare-esm', 'bare-cjs', 'simul-one', 'simul-all'] as const;
type Sample = (typeof SAMPLES)[number];

/** Samples a round: each is a process of its own, and short. */
const AGAIN = 3;
const IMPORT_MS = 20;

export async function start(): Promise<Table> {
  const samples = new Map(SAMPLES.map((name): [Sample, number[]] => [name, []]));
  for (let round = 0; round <= ROUNDS * AGAIN; round++) {
    for (const name of SAMPLES) {
      const time = child('start.mjs', name);
      // The first reads files that are not in memory yet.
      if (round > 0) samples.get(name)!.push(time);
    }
  }
  const of = (name: Sample): number => median(samples.get(name)!);
  const importing = of('import-simul');
  return {
    title: 'start, ms (median)',
    columns: ['import', 'first result, 1 worker', 'all workers'],
    higherIsBetter: false,
    rows: [
      { name: 'simul', role: 'simul', values: [importing, of('simul-one'), of('simul-all')] },
      { name: 'an empty module', role: 'other', values: [of('import-nothing'), undefined, undefined] },
      {
        name: 'bare Worker, ES module',
        role: 'threads',
        values: [undefined, of('bare-esm'), of('bare-esm')],
      },
      { name: 'bare Worker, CommonJS', role: 'other', values: [undefined, of('bare-cjs'), of('bare-cjs')] },
    ],
    // The first result within 1.3 times a bare Worker's first message.
    targets: { threads: [undefined, 0.77, undefined] },
    figures: [
      {
        what: 'start: import',
        against: 'nothing',
        reached: `${importing.toFixed(1)} ms`,
        target: `${IMPORT_MS} ms`,
        met: importing <= IMPORT_MS,
      },
    ],
  };
}

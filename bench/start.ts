/** What a program waits for before anything runs: the import, and the first result of a pool without a worker yet. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { median, ROUNDS } from './rounds.js';
import type { Table } from './table.js';

const SAMPLES = ['import-nothing', 'import-simul', 'bare-esm', 'bare-cjs', 'simul-one', 'simul-all'] as const;
type Sample = (typeof SAMPLES)[number];

/** Samples a round: each is a process of its own, and short. */
const AGAIN = 3;

export async function start(): Promise<Table> {
  const times = new Map(SAMPLES.map((name): [Sample, number[]] => [name, []]));
  for (let round = 0; round <= ROUNDS * AGAIN; round++) {
    for (const name of SAMPLES) {
      const time = sample(name);
      // The first reads files that are not in memory yet.
      if (round > 0) times.get(name)!.push(time);
    }
  }
  const of = (name: Sample): number => median(times.get(name)!);
  return {
    title: 'start, ms (median)',
    columns: ['import', 'first result, 1 worker', 'all workers'],
    higherIsBetter: false,
    rows: [
      { name: 'simul', isPeer: false, values: [of('import-simul'), of('simul-one'), of('simul-all')] },
      { name: 'an empty module', isPeer: false, values: [of('import-nothing'), undefined, undefined] },
      { name: 'bare Worker, ES module', isPeer: true, values: [undefined, of('bare-esm'), of('bare-esm')] },
      { name: 'bare Worker, CommonJS', isPeer: false, values: [undefined, of('bare-cjs'), of('bare-cjs')] },
    ],
  };
}

function sample(name: Sample): number {
  const file = fileURLToPath(new URL('./workers/start.mjs', import.meta.url));
  const { status, stdout, stderr } = spawnSync(process.execPath, [file, name], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${name}: ${stderr}`);
  return Number(stdout);
}

/** Items a second of functions that are cheap, middling and dear, against the plain loop and the peers. */
import { type Contestant, closeAll, peers, simul } from './contestants.js';
import { burn, type JobName } from './jobs.js';
import { alternate } from './rounds.js';
import type { Table } from './table.js';

const numbers = (length: number): number[] => Array.from({ length }, (_, i) => i);
const QUESTIONS: readonly { job: JobName; items: number[]; loop: (x: number) => number }[] = [
  { job: 'tiny', items: numbers(20_000), loop: (x) => Math.sqrt(x) * 1.5 },
  { job: 'micro', items: numbers(20_000), loop: (x) => burn(x, 1_000) },
  { job: 'milli', items: numbers(200), loop: (x) => burn(x, 1_000_000) },
];

export async function map(): Promise<Table> {
  const all: Contestant[] = [
    simul(),
    peers.piscina(),
    peers.piscinaByHand(),
    peers.tinypool(),
    peers.workerPool(),
    peers.poolifier(),
  ];
  const columns: number[][] = [];
  for (const { job, items, loop } of QUESTIONS) {
    const acts = [() => items.map(loop), ...all.map((each) => () => each.map(job, items))];
    columns.push((await alternate(acts)).map((time) => (items.length / time) * 1000));
  }
  await closeAll(all);
  return {
    title: 'map, items a second',
    columns: ['10 ns × 20,000', '1 µs × 20,000', '1 ms × 200'],
    higherIsBetter: true,
    rows: [{ name: 'plain loop', isPeer: false }, ...all].map(({ name, isPeer }, i) => ({
      name,
      isPeer,
      values: columns.map((column) => column[i]),
    })),
  };
}

/** Tasks a second when many are given at once: numbers, small objects. */
import { isDeepStrictEqual } from 'node:util';
import { type Contestant, closeAll, peers, simul } from './contestants.js';
import { alternate, expect } from './rounds.js';
import type { Table } from './table.js';

const TASKS = 10_000;

const numbers = Array.from({ length: TASKS }, (_, i) => i);
const objects = numbers.map((i) => ({ id: i, name: `row ${i}`, ok: i % 2 === 0, value: i / 3 }));

export async function dispatch(): Promise<Table> {
  const all: Contestant[] = [
    simul(),
    peers.piscina(),
    peers.piscina64(),
    peers.tinypool(),
    peers.workerPool(),
    peers.poolifier(),
  ];
  const burst = (contestant: Contestant, items: readonly unknown[]) => () =>
    Promise.all(items.map((item) => contestant.call('echo', item)));
  const columns: number[][] = [];
  for (const items of [numbers, objects]) {
    const acts = all.map((each) => burst(each, items));
    columns.push(await alternate(acts, (back, i) => expect(all[i]!.name, isDeepStrictEqual(back, items))));
  }
  await closeAll(all);
  return {
    title: 'tasks a second',
    columns: ['numbers', 'small objects'],
    higherIsBetter: true,
    rows: all.map(({ name, role }, i) => ({
      name,
      role,
      values: columns.map((times) => (TASKS / times[i]!) * 1000),
    })),
    targets: { peer: [12, 4] },
  };
}

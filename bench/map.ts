/** Items a second of functions that are cheap, middling and dear, against the plain loop, the peers and two bare threads. */
import { type Contestant, closeAll, peers, simul } from './contestants.js';
import { type Flight, flights, functions, type JobName } from './jobs.js';
import { alternate, expect } from './rounds.js';
import type { Table } from './table.js';
import { Threads } from './threads.js';

interface Question {
  readonly title: string;
  readonly job: JobName;
  readonly items: readonly unknown[];
  readonly loop: () => unknown[];
}

/** One call an item takes peers so long that they get the first items only; what is compared is items a second. */
const FEW = 10_000;

const numbers = (length: number): number[] => Array.from({ length }, (_, i) => i);

function questions(): Question[] {
  const many = numbers(2_000_000);
  const middling = numbers(200_000);
  const dear = numbers(400);
  const objects: Flight[] = flights();
  return [
    { title: '10 ns × 2,000,000', job: 'tiny', items: many, loop: () => many.map((x) => Math.sqrt(x) * 1.5) },
    { title: '1 µs × 200,000', job: 'micro', items: middling, loop: () => middling.map(functions.micro) },
    { title: '1 ms × 400', job: 'milli', items: dear, loop: () => dear.map(functions.milli) },
    {
      title: '5 µs × 200,000 flights',
      job: 'flight',
      items: objects,
      loop: () => objects.map(functions.flight),
    },
  ];
}

export async function map(): Promise<Table> {
  const whole: Contestant[] = [simul(), new Threads(1), new Threads(10), peers.piscinaByHand()];
  const one: Contestant[] = [peers.piscina(), peers.tinypool(), peers.workerPool(), peers.poolifier()];
  const all = [...whole, ...one];
  const asked = questions();
  const columns: number[][] = [];
  for (const { job, items, loop } of asked) {
    const few = items.slice(0, FEW);
    const right = loop();
    const runs = [
      { name: 'plain loop', length: items.length, act: loop },
      ...whole.map((each) => ({ name: each.name, length: items.length, act: () => each.map(job, items) })),
      ...one.map((each) => ({ name: each.name, length: few.length, act: () => each.map(job, few) })),
    ];
    const times = await alternate<unknown[]>(
      runs.map(({ act }) => act),
      (results, i) => {
        const { name, length } = runs[i]!;
        expect(name, results.length === length && results.every((value, at) => value === right[at]));
      },
    );
    columns.push(times.map((time, i) => (runs[i]!.length / time) * 1000));
  }
  await closeAll(all);
  return {
    title: 'map, items a second',
    columns: asked.map(({ title }) => title),
    higherIsBetter: true,
    rows: [{ name: 'plain loop', role: 'loop' as const }, ...all].map(({ name, role }, i) => ({
      name,
      role,
      values: columns.map((column) => column[i]),
    })),
    targets: { loop: [0.9, 1.7, 1.8, 1.5], threads: [undefined, undefined, 0.95, undefined] },
  };
}

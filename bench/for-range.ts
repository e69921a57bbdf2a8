/** A parallel loop over shared memory, against the same loop on one core and two bare threads. */
import { Pool, shared } from 'simul';
import { WORKERS } from './contestants.js';
import { alternate, expect } from './rounds.js';
import type { Table } from './table.js';
import { Threads } from './threads.js';

const LENGTH = 2e7;

export async function forRange(): Promise<Table> {
  const waves = shared(Float64Array, LENGTH);
  const body = (from: number, to: number): void => {
    for (let i = from; i < to; i++) waves[i] = Math.sin(i) * Math.sqrt(i);
  };
  const pool = new Pool({ workers: WORKERS });
  const byHand = [new Threads(1), new Threads(10)];
  const runs = [
    { name: 'plain loop', role: 'loop' as const, act: async () => body(0, LENGTH) },
    { name: 'simul', role: 'simul' as const, act: () => pool.forRange(LENGTH, body) },
    ...byHand.map((each) => ({ name: each.name, role: each.role, act: () => each.waves(waves) })),
  ];
  const times = await alternate(
    runs.map(({ act }) => act),
    (_, run) => {
      for (let i = 1; i < LENGTH; i += 9973) {
        expect(runs[run]!.name, waves[i] === Math.sin(i) * Math.sqrt(i));
      }
      waves.fill(0);
    },
  );
  await Promise.all([pool.close(), ...byHand.map((each) => each.close())]);
  return {
    title: 'forRange, ms',
    columns: ['2·10⁷ sin·sqrt'],
    higherIsBetter: false,
    rows: runs.map(({ name, role }, i) => ({ name, role, values: [times[i]] })),
    targets: { threads: [0.95], loop: [1.8] },
  };
}

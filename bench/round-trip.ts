/** The time of one call: right after the one before, and after 1 ms of nothing; all are warm: a round goes before. */
import { setTimeout as sleep } from 'node:timers/promises';
import { asDocumented, type Contestant, closeAll } from './contestants.js';
import { expect, median, ROUNDS } from './rounds.js';
import type { Table } from './table.js';
import { Threads } from './threads.js';

const HOT = 2000;
const IDLE = 150;
const NOTHING_MS = 1;

export async function roundTrip(): Promise<Table> {
  const all = [...asDocumented(), bareThread()];
  const hot = all.map((): number[] => []);
  const idle = all.map((): number[] => []);
  for (let round = 0; round <= ROUNDS; round++) {
    for (const [i, contestant] of all.entries()) {
      for (let n = 0; n < HOT; n++) await one(contestant, round > 0 ? hot[i]! : []);
      for (let n = 0; n < IDLE; n++) {
        await sleep(NOTHING_MS);
        await one(contestant, round > 0 ? idle[i]! : []);
      }
    }
  }
  await closeAll(all);
  return {
    title: 'round trip, µs (median)',
    columns: ['hot', 'idle'],
    higherIsBetter: false,
    rows: all.map(({ name, role }, i) => ({ name, role, values: [median(hot[i]!), median(idle[i]!)] })),
    targets: { peer: [2, 1] },
  };
}

/** Nothing but a message each way: what waking costs. */
function bareThread(): Contestant {
  const threads = new Threads(1);
  return {
    name: 'a bare thread',
    role: threads.role,
    call: (job, argument) => threads.call(job, argument),
    map: (job, items) => threads.map(job, items),
    close: () => threads.close(),
  };
}

/** One call, whose time in µs is added to `times`. */
export async function one(contestant: Contestant, times: number[]): Promise<void> {
  const begun = performance.now();
  const answer = await contestant.call('echo', 1);
  times.push((performance.now() - begun) * 1000);
  expect(contestant.name, answer === 1);
}

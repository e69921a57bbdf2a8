/** Workers that are processes: the time (median) of one call right after the one before, and of one with 32 MB of doubles. */
import { closeAll, withProcesses } from './contestants.js';
import { one } from './round-trip.js';
import { alternate, expect, median, ROUNDS } from './rounds.js';
import type { Table } from './table.js';

const HOT = 2000;
const LENGTH = 2 ** 22;

export async function processes(): Promise<Table> {
  const all = withProcesses();
  const doubles = new Float64Array(LENGTH).map((_, i) => i / 7);
  const hot = all.map((): number[] => []);
  for (let round = 0; round <= ROUNDS; round++) {
    for (const [i, contestant] of all.entries()) {
      for (let n = 0; n < HOT; n++) await one(contestant, round > 0 ? hot[i]! : []);
    }
  }
  let round = 0;
  const sent = await alternate(
    all.map((each) => () => {
      // Not the bytes that were sent before.
      doubles[0] = ++round;
      return each.call('ends', doubles);
    }),
    (sum, i) => expect(all[i]!.name, sum === doubles[0]! + doubles[LENGTH - 1]!),
  );
  await closeAll(all);
  return {
    title: 'processes, ms',
    columns: ['round trip, hot', '32 MB as an argument'],
    higherIsBetter: false,
    rows: all.map(({ name, role }, i) => ({ name, role, values: [median(hot[i]!) / 1000, sent[i]!] })),
    targets: { peer: [1, 3], 'peer process': [3, 3] },
  };
}

/** Workers that are processes: the time of one call right after the one before, and of one with 32 MB of doubles. */
import { closeAll, withProcesses } from './contestants.js';
import { alternate, expect } from './rounds.js';
import type { Table } from './table.js';

const HOT = 1000;
const LENGTH = 2 ** 22;

export async function processes(): Promise<Table> {
  const all = withProcesses();
  const doubles = new Float64Array(LENGTH).map((_, i) => i / 7);
  const hot = await alternate(
    all.map((each) => async () => {
      let sum = 0;
      for (let n = 0; n < HOT; n++) sum += (await each.call('echo', 1)) as number;
      return sum;
    }),
    (sum, i) => expect(all[i]!.name, sum === HOT),
  );
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
    rows: all.map(({ name, role }, i) => ({ name, role, values: [hot[i]! / HOT, sent[i]!] })),
    targets: { peer: [1, 3], 'peer process': [3, 3] },
  };
}

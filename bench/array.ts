/** 32 MB of doubles to a worker and back, as a user would write it first. */
import { asDocumented, type Contestant, closeAll } from './contestants.js';
import { alternate } from './rounds.js';
import type { Table } from './table.js';

export async function array(): Promise<Table> {
  const doubles = new Float64Array(2 ** 22).map((_, i) => i / 7);
  const all = asDocumented();
  const check = async (contestant: Contestant): Promise<void> => {
    const back = (await contestant.call('echo', doubles)) as Float64Array;
    if (back.length !== doubles.length || back[12345] !== doubles[12345]) throw new Error(contestant.name);
  };
  const times = await alternate(all.map((each) => () => check(each)));
  await closeAll(all);
  return {
    title: '32 MB there and back, ms',
    columns: ['time'],
    higherIsBetter: false,
    rows: all.map(({ name, isPeer }, i) => ({ name, isPeer, values: [times[i]!] })),
  };
}

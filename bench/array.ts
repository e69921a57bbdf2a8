/** 32 MB of doubles: to a worker and back, read by a task, made by a task; each as a user would write it first. */
import { shared } from 'simul';
import { asDocumented, type Contestant, closeAll } from './contestants.js';
import { alternate, expect } from './rounds.js';
import type { Table } from './table.js';

const LENGTH = 2 ** 22;

export async function array(): Promise<Table> {
  const doubles = new Float64Array(LENGTH).map((_, i) => i / 7);
  const inCommon = shared(Float64Array, doubles);
  const all = asDocumented();
  const ask = (act: (contestant: Contestant) => PromiseLike<unknown>, isRight: (result: never) => boolean) =>
    alternate(
      all.map((each) => () => act(each)),
      (result, i) => expect(all[i]!.name, isRight(result as never)),
    );
  const columns = [
    await ask(
      (each) => each.call('echo', doubles),
      (back: Float64Array) => back.length === LENGTH && back[12345] === doubles[12345],
    ),
    await ask(
      (each) => each.call('ends', each.role === 'simul' ? inCommon : doubles),
      (sum: number) => sum === doubles[0]! + doubles[LENGTH - 1]!,
    ),
    await ask(
      (each) => each.call('make', LENGTH),
      (made: Float64Array) => made.length === LENGTH && made[LENGTH - 1] === LENGTH,
    ),
  ];
  await closeAll(all);
  return {
    title: '32 MB, ms',
    columns: ['there and back', 'read by a task (simul: `shared`)', 'made by a task'],
    higherIsBetter: false,
    rows: all.map(({ name, role }, i) => ({ name, role, values: columns.map((times) => times[i]) })),
    targets: { peer: [undefined, 100, 5] },
  };
}

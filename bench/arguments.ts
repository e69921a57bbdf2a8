/** A typed array as an argument of many calls: how long this thread takes for each, by size, beside a ref to it. */
import { Pool } from 'simul';
import { WORKERS } from './contestants.js';
import { median } from './rounds.js';
import type { Table } from './table.js';

const MB = 2 ** 20;
const SIZES = [1, 8, 32];
const CALLS = [1, 2, 20];
const AGAIN = 7;

const length = (array: Float64Array): number => array.length;

/** ms that this thread takes to make a call, over `calls` calls made in one go. */
async function perCall(pool: Pool, size: number, calls: number, how: Manner): Promise<number> {
  const times: number[] = [];
  for (let round = 0; round < AGAIN; round++) {
    const array = new Float64Array((size * MB) / 8).fill(round + 1);
    const begun = performance.now();
    const sent: PromiseLike<number>[] = [];
    const ref = how === 'ref' ? await pool.put(array) : undefined;
    for (let i = 0; i < calls; i++) {
      if (how === 'changing') array[array.length - 1] = i;
      sent.push(pool.run(length, ref ?? array));
    }
    times.push((performance.now() - begun) / calls);
    for (const got of await Promise.all(sent)) if (got !== array.length) throw new Error(`${got}`);
    ref?.free();
  }
  return median(times);
}

type Manner = 'same' | 'changing' | 'ref';

export async function args(): Promise<Table> {
  const pool = new Pool({ workers: WORKERS });
  await pool.each(() => 0);
  const cases = SIZES.flatMap((size) => CALLS.map((calls) => ({ size, calls })));
  const rows: Table['rows'][number][] = [];
  for (const [how, name] of [
    ['same', 'the array itself'],
    ['changing', 'the array, changed at its end each time'],
    ['ref', 'a ref, with its put'],
  ] as const) {
    const values: number[] = [];
    for (const { size, calls } of cases) values.push(await perCall(pool, size, calls, how));
    rows.push({ name, role: 'other', values });
  }
  await pool.close();
  return {
    title: 'an array as argument, ms of this thread a call',
    columns: cases.map(({ size, calls }) => `${size} MB × ${calls}`),
    higherIsBetter: false,
    rows,
  };
}

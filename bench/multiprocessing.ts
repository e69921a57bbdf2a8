/** Items that cost nothing, all shipped, beside CPython's multiprocessing where Python is installed. */
import { type MapOptions, Pool } from 'simul';
import { WORKERS } from './contestants.js';
import { Python, pythonVersion } from './python.js';
import { alternate, expect } from './rounds.js';
import type { Role, Table } from './table.js';

const ITEMS = 2_000_000;
const SUM = (ITEMS * (ITEMS - 1)) / 2;
const SHIPPED: MapOptions = { inline: false };

const PYTHON = `
import multiprocessing, sys
def same(x):
    return x
if __name__ == '__main__':
    items = list(range(${ITEMS}))
    with multiprocessing.Pool(${WORKERS}) as pool:
        for line in sys.stdin:
            if line == 'map\\n':
                result = pool.map(same, items)
                print(len(result), flush=True)
            else:
                print(sum(result), flush=True)
`;

interface Run {
  readonly name: string;
  readonly role: Role;
  readonly act: () => PromiseLike<unknown>;
  readonly sum: (result: unknown) => number | Promise<number>;
}

export async function multiprocessing(): Promise<Table> {
  const pool = new Pool({ workers: WORKERS });
  const items = Array.from({ length: ITEMS }, (_, i) => i);
  const runs: Run[] = [
    {
      name: 'simul',
      role: 'simul',
      act: () => pool.map(items, (x) => x, SHIPPED),
      sum: (result) => (result as number[]).reduce((sum, x) => sum + x, 0),
    },
  ];
  const version = pythonVersion();
  const python = version === undefined ? undefined : new Python(PYTHON);
  if (python !== undefined) {
    const name = `multiprocessing (${version})`;
    runs.push({ name, role: 'peer', act: () => python.ask('map'), sum: () => python.ask('sum') });
  }
  const times = await alternate(
    runs.map(({ act }) => act),
    async (result, i) => expect(runs[i]!.name, (await runs[i]!.sum(result)) === SUM),
  );
  await Promise.all([pool.close(), python?.close()]);
  return {
    title: `map of nothing, items a second${python === undefined ? ' (there is no python3 to compare with)' : ''}`,
    columns: [`${ITEMS.toLocaleString('en')} integers, all shipped`],
    higherIsBetter: true,
    rows: runs.map(({ name, role }, i) => ({ name, role, values: [(ITEMS / times[i]!) * 1000] })),
    targets: { peer: [3] },
  };
}

/** Tasks that do nothing, each sent by itself, to processes: beside CPython's two pools of them, where Python is installed. */
import { Pool } from 'simul';
import { WORKERS } from './contestants.js';
import { Python, pythonVersion } from './python.js';
import { alternate, expect } from './rounds.js';
import type { Figure, Role, Table } from './table.js';

const TASKS = 10_000;

const PYTHON = `
import multiprocessing, sys
from concurrent.futures import ProcessPoolExecutor
def same(x):
    return x
if __name__ == '__main__':
    items = list(range(${TASKS}))
    with multiprocessing.Pool(${WORKERS}) as pool, ProcessPoolExecutor(${WORKERS}) as executor:
        for line in sys.stdin:
            if line == 'pool\\n':
                result = pool.map(same, items, chunksize=1)
            else:
                result = list(executor.map(same, items))
            print(sum(result), flush=True)
`;

interface Run {
  readonly name: string;
  readonly role: Role;
  readonly act: () => Promise<number>;
}

const total = (values: readonly number[]): number => values.reduce((sum, x) => sum + x, 0);

export async function processTasks(): Promise<Table> {
  const pool = new Pool({ workers: WORKERS, kind: 'process' });
  const items = Array.from({ length: TASKS }, (_, i) => i);
  const same = (x: number): number => x;
  const runs: Run[] = [
    {
      name: 'simul, `run` for each',
      role: 'simul',
      act: async () => total(await Promise.all(items.map((x) => pool.run(same, x)))),
    },
    {
      name: 'simul, `map` in chunks of 1',
      role: 'other',
      act: async () => total(await pool.map(items, same, { chunk: 1, inline: false })),
    },
  ];
  const version = pythonVersion();
  const python = version === undefined ? undefined : new Python(PYTHON);
  if (python !== undefined) {
    runs.push(
      { name: `Pool.map, chunksize 1 (${version})`, role: 'peer', act: () => python.ask('pool') },
      { name: `ProcessPoolExecutor.map (${version})`, role: 'other', act: () => python.ask('executor') },
    );
  }
  const times = await alternate(
    runs.map(({ act }) => act),
    (sum, i) => expect(runs[i]!.name, sum === total(items)),
  );
  await Promise.all([pool.close(), python?.close()]);
  const none = version === undefined ? ' (there is no python3 to compare with)' : '';
  return {
    title: `tasks a second to processes${none}`,
    columns: ['numbers'],
    higherIsBetter: true,
    rows: runs.map(({ name, role }, i) => ({ name, role, values: [(TASKS / times[i]!) * 1000] })),
    targets: { peer: [3] },
    figures: version === undefined ? [] : [executor(times[3]! / times[0]!)],
  };
}

function executor(reached: number): Figure {
  const what = 'tasks a second to processes: numbers';
  const shown = `${reached.toFixed(1)} ×`;
  return { what, against: 'ProcessPoolExecutor.map', reached: shown, target: '20 ×', met: reached >= 20 };
}

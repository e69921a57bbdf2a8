/** Reading a closure and packing it for a worker, beside Python's cloudpickle where that is installed. */
import { spawnSync } from 'node:child_process';
import { pack } from '#simul/codec/index.js';
import { median } from './rounds.js';
import type { Table } from './table.js';

const AGAIN = 300;

function closures(count: number): (() => unknown)[] {
  const model = { slope: 2, names: ['a', 'b', 'c'] };
  const scale = (x: number): number => x * model.slope;
  return Array.from({ length: count }, (_, i) => () => [scale(i), model.names.length]);
}

const PYTHON = `
import time, sys
import cloudpickle
def closures(count):
    model = {'slope': 2, 'names': ['a', 'b', 'c']}
    scale = lambda x: x * model['slope']
    return [(lambda i: lambda: [scale(i), len(model['names'])])(i) for i in range(count)]
fns = closures(${AGAIN + 1})
def once(fn):
    t = time.perf_counter(); cloudpickle.dumps(fn); return (time.perf_counter() - t) * 1e6
first = once(fns[0])
again = sorted(once(fn) for fn in fns[1:])
print(first, again[len(again) // 2], cloudpickle.__version__)
`;

export async function capture(): Promise<Table> {
  const fns = closures(AGAIN + 1);
  const once = (fn: () => unknown): number => {
    const begun = performance.now();
    pack(fn, { exact: true });
    return (performance.now() - begun) * 1000;
  };
  const first = once(fns[0]!);
  const rows = [
    { name: 'simul', role: 'simul' as const, values: [first, median(fns.slice(1).map(once))] },
    ...cloudpickle(),
  ];
  return {
    title: 'capture of a closure, µs',
    columns: ['first', 'again (median)'],
    higherIsBetter: false,
    rows,
  };
}

function cloudpickle(): Table['rows'] {
  const { status, stdout } = spawnSync('python3', ['-c', PYTHON], { encoding: 'utf8' });
  if (status !== 0) return [];
  const [first, again, version] = stdout.trim().split(' ');
  return [{ name: `cloudpickle ${version} (Python)`, role: 'peer', values: [Number(first), Number(again)] }];
}

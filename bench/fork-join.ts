/** Recursion whose branches are tasks, down to a size that is not worth one, against the same recursion on one core. */
import { Pool, run } from 'simul';
import { WORKERS } from './contestants.js';
import { alternate, expect } from './rounds.js';
import type { Table } from './table.js';

const FIB = 40;
/** Below it, a branch is a plain call: some ms. */
const CUTOFF = 28;
const QUEENS = 10;
/** Rows whose queens are placed by tasks. */
const ROWS = 1;

function fib(n: number): number {
  return n < 2 ? n : fib(n - 1) + fib(n - 2);
}

async function forkedFib(n: number): Promise<number> {
  if (n <= CUTOFF) return fib(n);
  const [left, right] = await Promise.all([run(forkedFib, n - 1), run(forkedFib, n - 2)]);
  return left + right;
}

const isSafe = (queens: readonly number[], column: number): boolean =>
  queens.every((other, i) => other !== column && Math.abs(other - column) !== queens.length - i);

/** Ways to go on from these queens, one a row. */
function ways(queens: readonly number[]): number {
  if (queens.length === QUEENS) return 1;
  let sum = 0;
  for (let column = 0; column < QUEENS; column++) {
    if (isSafe(queens, column)) sum += ways([...queens, column]);
  }
  return sum;
}

async function forkedWays(queens: readonly number[]): Promise<number> {
  if (queens.length >= ROWS) return ways(queens);
  const branches: PromiseLike<number>[] = [];
  for (let column = 0; column < QUEENS; column++) {
    if (isSafe(queens, column)) branches.push(run(forkedWays, [...queens, column]));
  }
  return (await Promise.all(branches)).reduce((sum, found) => sum + found, 0);
}

export async function forkJoin(): Promise<Table> {
  const pool = new Pool({ workers: WORKERS });
  const compare = (right: number, loop: () => number, forked: () => PromiseLike<number>) =>
    alternate<number>([forked, loop], (result, i) => expect(i === 0 ? 'simul' : 'plain', result === right));
  const columns = [
    await compare(
      102_334_155,
      () => fib(FIB),
      () => pool.run(forkedFib, FIB),
    ),
    await compare(
      724,
      () => ways([]),
      () => pool.run(forkedWays, []),
    ),
  ];
  await pool.close();
  return {
    title: 'fork-join, ms',
    columns: [`fib ${FIB}, tasks above ${CUTOFF}`, `queens ${QUEENS}`],
    higherIsBetter: false,
    rows: [
      { name: 'plain recursion', role: 'loop', values: columns.map((times) => times[1]) },
      { name: 'simul', role: 'simul', values: columns.map((times) => times[0]) },
    ],
    targets: { loop: [1.8, 1.8] },
  };
}

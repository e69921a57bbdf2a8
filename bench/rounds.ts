/** Contestants take turns; what is kept of each is the median round. */

export const ROUNDS = Number(process.env['SIMUL_BENCH_ROUNDS'] ?? 5);

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/**
 * Median ms of each, after one round that does not count. The order turns round every time, so that nobody always pays for
 * the garbage of the same neighbour. `check` sees each result, outside of its time, and throws where it is wrong.
 */
export async function alternate<R>(
  acts: readonly (() => R | PromiseLike<R>)[],
  check: (result: R, index: number) => void | Promise<void>,
  rounds = ROUNDS,
): Promise<number[]> {
  const times = acts.map((): number[] => []);
  for (let round = 0; round <= rounds; round++) {
    const order = [...acts.entries()];
    if (round % 2 === 1) order.reverse();
    for (const [i, act] of order) {
      const begun = performance.now();
      const result = await act();
      const time = performance.now() - begun;
      await check(result, i);
      if (round > 0) times[i]!.push(time);
    }
  }
  return times.map(median);
}

/** @throws Error naming the contestant, so that no figure is printed of what went wrong. */
export function expect(name: string, right: boolean): void {
  if (!right) throw new Error(`${name}: the result is wrong`);
}

/** Contestants take turns; what is kept of each is the median round. */

export const ROUNDS = Number(process.env['SIMUL_BENCH_ROUNDS'] ?? 5);

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** ms of one run. */
export async function timed(act: () => unknown): Promise<number> {
  const begun = performance.now();
  await act();
  return performance.now() - begun;
}

/** Median ms of each, after one round that does not count. */
export async function alternate(acts: readonly (() => unknown)[], rounds = ROUNDS): Promise<number[]> {
  const times = acts.map((): number[] => []);
  for (let round = 0; round <= rounds; round++) {
    for (const [i, act] of acts.entries()) {
      const time = await timed(act);
      if (round > 0) times[i]!.push(time);
    }
  }
  return times.map(median);
}

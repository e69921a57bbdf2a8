/**
 * When `performance.now()` of this thread was 0, in ms of a clock that all threads share. `performance.timeOrigin` is of
 * the wall clock, which may be set while a program runs.
 */
export function clockOrigin(): number {
  let least = Number.POSITIVE_INFINITY;
  // The thread may be interrupted between the two readings: the least difference is the truest.
  for (let i = 0; i < 5; i++) {
    const now = performance.now();
    least = Math.min(least, Number(process.hrtime.bigint()) / 1e6 - now);
  }
  return least;
}

/**
 * How long results may hold up one turn of the event loop: timers and sockets wait for all workers' results together, and
 * for what the program does with them. So as many are taken in a turn as took this long in the turns before.
 */

/** In ms. */
const AIM = 4;
const LEAST = 256;
const MOST = 2048;

/** Results a turn. */
let most = MOST;
let taken = 0;
/** When this turn's results began to be taken; 0 while none were. */
let since = 0;

const end = (): void => {
  // From there to here: results, and all callbacks that they led to.
  const ratio = AIM / (performance.now() - since);
  if (ratio < 1 || taken >= most) most = Math.max(LEAST, Math.min(MOST, most * 2, most * ratio));
  taken = 0;
  since = 0;
};

/** So many more were taken, of whichever worker. True once that is enough for this turn. */
export function turnIsSpent(count: number): boolean {
  const now = performance.now();
  if (since === 0) {
    since = now;
    setImmediate(end);
  }
  taken += count;
  return taken >= most || now - since >= AIM;
}

/** How long results may hold up one turn of the event loop: timers and sockets wait for all workers' results together. */

/** In ms. What comes of the results (the user's callbacks) adds to it. */
const MOST = 4;

/** When this turn's time is over; 0 while nobody has asked. */
let end = 0;
const begin = (): void => {
  end = 0;
};

/** True once results have taken their time of this turn, of whichever worker they are. */
export function turnIsSpent(): boolean {
  const now = performance.now();
  if (end === 0) {
    end = now + MOST;
    setImmediate(begin);
  }
  return now >= end;
}

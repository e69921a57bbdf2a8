/** Node's timers take no more, in ms: a longer one would fire at once. */
export const LONGEST_TIMER = 2 ** 31 - 1;

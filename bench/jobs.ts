/** The work that all contestants do. The peers' worker files hold the same functions in plain JavaScript. */

export type JobName = 'echo' | 'tiny' | 'micro' | 'milli';

export interface Job {
  readonly job: JobName;
  readonly argument: unknown;
}

/** About one ns a round: a linear congruential generator, whose rounds depend on each other. */
export function burn(x: number, rounds: number): number {
  let h = x | 0;
  for (let i = 0; i < rounds; i++) h = (Math.imul(h, 1664525) + 1013904223) | 0;
  return h;
}

/** The work that all contestants do. The peers' worker files hold the same functions in plain JavaScript. */
import { readFileSync } from 'node:fs';

export interface Flight {
  readonly delay: number;
  readonly distance: number;
  readonly time: number;
}

export type JobName = keyof typeof functions;

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

export const functions = {
  echo: (argument: unknown) => argument,
  tiny: (x: number) => Math.sqrt(x) * 1.5,
  micro: (x: number) => burn(x, 1_000),
  milli: (x: number) => burn(x, 1_000_000),
  flight: ({ delay, distance }: Flight) => burn(delay + distance, 5_000),
  ends: (values: Float64Array) => values[0]! + values[values.length - 1]!,
  make: (length: number) => {
    const values = new Float64Array(length);
    values[length - 1] = length;
    return values;
  },
};

/** 200,000 real flights. The package's entry is build/index.js; its data lie beside that folder. */
export function flights(): Flight[] {
  const file = new URL('../data/flights-200k.json', import.meta.resolve('vega-datasets'));
  return JSON.parse(readFileSync(file, 'utf8'));
}

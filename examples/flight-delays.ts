/**
 * How late are flights, and how sure can we be? 95 % bootstrap intervals of the mean delay by distance, from
 * 200,000 real flights: 2,000 resamples a band, on all cores, and once more as a plain loop to compare.
 *
 * npm start                     a table, with a progress bar while it runs
 * npm start -- --json           just a JSON array of { band, flights, mean, low, high }
 * npm start -- --resamples 200  fewer of them: sooner done, wider apart
 * SIMUL_WORKERS=1 npm start     the number of workers; the numbers in the table stay the same
 */
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { createRandom, map, pool, type Random, task } from 'simul';
import { progressBar } from 'simul/progress';

interface Flight {
  readonly delay: number;
  readonly distance: number;
}

const SEED = 1987;
const bands = [
  { band: '0–249', from: 0, to: 250 },
  { band: '250–499', from: 250, to: 500 },
  { band: '500–999', from: 500, to: 1000 },
  { band: '1000 and over', from: 1000, to: Number.POSITIVE_INFINITY },
];

const { values } = parseArgs({
  options: { json: { type: 'boolean' }, resamples: { type: 'string', default: '2000' } },
});
const { json } = values;
const RESAMPLES = Number(values.resamples);
// The package's entry is build/index.js; its data lie beside that folder.
const file = new URL('../data/flights-200k.json', import.meta.resolve('vega-datasets'));
const flights: Flight[] = JSON.parse(readFileSync(file, 'utf8'));
const samples = bands.map(({ from, to }) =>
  Float64Array.from(
    flights.filter(({ distance }) => distance >= from && distance < to),
    ({ delay }) => delay,
  ),
);

const mean = (values: Float64Array): number => values.reduce((sum, value) => sum + value, 0) / values.length;

/** The mean of as many draws from `values`, with replacement. */
function resampledMean(values: Float64Array, random: Random): number {
  const { length } = values;
  let sum = 0;
  for (let i = 0; i < length; i++) sum += values[random.int(length)]!;
  return sum / length;
}

const jobs = bands.flatMap((_, band) => Array.from({ length: RESAMPLES }, () => band));
const bar = json ? undefined : progressBar({ label: 'resamples' });

const begun = performance.now();
const means = await map(jobs, (band) => resampledMean(samples[band]!, task().random), {
  seed: SEED,
  ...(bar === undefined ? {} : { onProgress: bar }),
});
const elapsed = performance.now() - begun;
bar?.done();

const table = bands.map(({ band }, i) => {
  const sorted = means.slice(i * RESAMPLES, (i + 1) * RESAMPLES).sort((a, b) => a - b);
  return {
    band,
    flights: samples[i]!.length,
    mean: mean(samples[i]!),
    low: sorted[Math.floor(RESAMPLES * 0.025)]!,
    high: sorted[Math.ceil(RESAMPLES * 0.975) - 1]!,
  };
});

if (json) {
  console.log(JSON.stringify(table));
} else {
  const shown = (minutes: number): string => `${minutes.toFixed(2)} min`;
  const lines = [
    ['miles', 'flights', 'mean delay', '95 % interval'],
    ...table.map((row) => [
      row.band,
      row.flights.toLocaleString('en'),
      shown(row.mean),
      `${shown(row.low)} to ${shown(row.high)}`,
    ]),
  ];
  const widths = lines[0]!.map((_, i) => Math.max(...lines.map((line) => line[i]!.length)));
  for (const line of lines) console.log(line.map((cell, i) => cell.padStart(widths[i]!)).join('   '));
  const started = performance.now();
  const looped = jobs.map((band, i) => resampledMean(samples[band]!, createRandom(SEED, i)));
  const loop = performance.now() - started;
  if (looped.some((value, i) => value !== means[i])) throw new Error('the loop and the workers disagree');
  const { size } = pool();
  console.log(
    `${seconds(elapsed)} on ${size} worker${size === 1 ? '' : 's'}, ${seconds(loop)} as a plain loop on one core: ` +
      `${(loop / elapsed).toFixed(2)} times as fast.`,
  );
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(2)} s`;
}

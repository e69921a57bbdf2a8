/**
 * How many neighbours should a k-nearest-neighbour model ask? Ten-fold cross-validation, three times over, of one that
 * guesses the mileage of real cars. Each fold of each model is a task.
 */
import { readFileSync } from 'node:fs';
import { createRandom, map } from 'simul';

const names = ['Displacement', 'Horsepower', 'Weight_in_lbs', 'Acceleration'];
const file = new URL('../data/cars.json', import.meta.resolve('vega-datasets'));
const cars = (JSON.parse(readFileSync(file, 'utf8')) as Record<string, number | null>[])
  .filter((row) => ['Miles_per_Gallon', ...names].every((name) => row[name] !== null))
  .map((row) => ({ mileage: row['Miles_per_Gallon']!, measures: names.map((name) => row[name]!) }));
const average = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;

/** Mean square error on the cars of one fold, guessed from the others. */
function squareError({ k, round, fold }: { k: number; round: number; fold: number }): number {
  const order = createRandom(11, round).shuffle(cars); // the same folds for every model
  const train = order.filter((_, i) => i % 10 !== fold);
  const spreads = names.map((_, j) => {
    const mean = average(train.map(({ measures }) => measures[j]!));
    return Math.sqrt(average(train.map(({ measures }) => (measures[j]! - mean) ** 2)));
  });
  const test = order.filter((_, i) => i % 10 === fold);
  const squares = test.map(({ mileage, measures }) => {
    const far = (to: number[]) => Math.hypot(...spreads.map((s, j) => (to[j]! - measures[j]!) / s));
    const near = train.map((car) => ({ car, far: far(car.measures) })).sort((a, b) => a.far - b.far);
    return (average(near.slice(0, k).map(({ car }) => car.mileage)) - mileage) ** 2;
  });
  return average(squares);
}

const models = [1, 2, 4, 8, 16, 32, 64, 128];
const folds = Array.from({ length: 30 }, (_, i) => ({ round: i % 3, fold: Math.floor(i / 3) }));
const jobs = models.flatMap((k) => folds.map((one) => ({ k, ...one })));
const errors = await map(jobs, squareError);
models.forEach((k, i) => {
  const error = Math.sqrt(average(errors.slice(i * 30, (i + 1) * 30)));
  console.log(`${String(k).padStart(4)} neighbours: off by ${error.toFixed(2)} miles a gallon`);
});

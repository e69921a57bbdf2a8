/** npm run bench [-- question…] */
import { cpus } from 'node:os';
import { args } from './arguments.js';
import { array } from './array.js';
import { capture } from './capture.js';
import { ceiling } from './ceiling.js';
import { versions } from './contestants.js';
import { dispatch } from './dispatch.js';
import { map } from './map.js';
import { roundTrip } from './round-trip.js';
import { start } from './start.js';
import { print, type Table } from './table.js';

const questions: Record<string, () => Promise<Table>> = {
  start,
  capture,
  dispatch,
  'round-trip': roundTrip,
  array,
  arguments: args,
  map,
};

const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !Object.hasOwn(questions, name));
if (unknown.length > 0) {
  console.error(`no question ${unknown.join(', ')}; there are: ${Object.keys(questions).join(', ')}`);
  process.exit(2);
}
console.log(`Node ${process.version}, ${cpus().length} cores (${cpus()[0]?.model.trim()})\n${versions()}\n`);
for (const [name, question] of Object.entries(questions)) {
  if (wanted.length > 0 && !wanted.includes(name)) continue;
  const table = await question();
  console.log(`ceiling: ${(await ceiling()).toFixed(2)} × (two bare threads against one)`);
  print(table);
}

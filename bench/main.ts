/** npm run bench [-- question…] */
import { mkdirSync } from 'node:fs';
import { cpus } from 'node:os';
import { args } from './arguments.js';
import { array } from './array.js';
import { capture } from './capture.js';
import { ceiling } from './ceiling.js';
import { versions } from './contestants.js';
import { dispatch } from './dispatch.js';
import { forRange } from './for-range.js';
import { forkJoin } from './fork-join.js';
import { map } from './map.js';
import { memory } from './memory.js';
import { multiprocessing } from './multiprocessing.js';
import { processTasks } from './process-tasks.js';
import { processes } from './processes.js';
import { recovery } from './recovery.js';
import { Report } from './report.js';
import { roundTrip } from './round-trip.js';
import { start } from './start.js';
import type { Table } from './table.js';

const questions: Record<string, () => Promise<Table>> = {
  start,
  capture,
  dispatch,
  'round-trip': roundTrip,
  array,
  arguments: args,
  map,
  'for-range': forRange,
  multiprocessing,
  memory,
  'fork-join': forkJoin,
  processes,
  'process-tasks': processTasks,
  recovery,
};

const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !Object.hasOwn(questions, name));
if (unknown.length > 0) {
  console.error(`no question ${unknown.join(', ')}; there are: ${Object.keys(questions).join(', ')}`);
  process.exit(2);
}
const report = new Report(
  `Node ${process.version}, ${cpus().length} cores (${cpus()[0]?.model.trim()}); ${versions()}`,
);
for (const [name, question] of Object.entries(questions)) {
  if (wanted.length > 0 && !wanted.includes(name)) continue;
  const table = await question();
  report.add(name, table, await ceiling());
}
report.end();
if (wanted.length === 0) {
  // This file runs from .cache/bench.
  const docs = new URL('../../docs/', import.meta.url);
  mkdirSync(docs, { recursive: true });
  report.write(new URL('bench.md', docs));
}

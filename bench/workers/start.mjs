// One sample of bench/start.ts, in a process of its own: prints ms. What is timed is in the first argument.
import { Worker } from 'node:worker_threads';

const here = (name) => new URL(name, import.meta.url);

async function firstMessage(file) {
  const begun = performance.now();
  const worker = new Worker(here(file));
  const message = await new Promise((resolve, reject) =>
    worker.once('message', resolve).once('error', reject),
  );
  const time = performance.now() - begun;
  if (message !== 42) throw new Error(`the worker said ${message}`);
  await worker.terminate();
  return time;
}

async function firstResult(options) {
  const { Pool } = await import('simul');
  const factor = 2;
  const begun = performance.now();
  const pool = new Pool(options);
  const result = await pool.run((x) => x * factor, 21);
  const time = performance.now() - begun;
  if (result !== 42) throw new Error(`the task gave ${result}`);
  await pool.close();
  return time;
}

async function importing(name) {
  const begun = performance.now();
  const module = await import(name);
  const time = performance.now() - begun;
  if (Object.keys(module).length === 0) throw new Error(`${name} exports nothing`);
  return time;
}

const samples = {
  'import-nothing': () => importing(here('nothing.mjs').href),
  'import-simul': () => importing('simul'),
  'bare-esm': () => firstMessage('bare.mjs'),
  'bare-cjs': () => firstMessage('bare.cjs'),
  'simul-one': () => firstResult({ workers: 1 }),
  'simul-all': () => firstResult({}),
};
console.log(await samples[process.argv[2]]());

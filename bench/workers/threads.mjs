// What a user without a library writes: see threads.ts.
import { parentPort } from 'node:worker_threads';
import { many } from './work.mjs';

parentPort.on('message', ({ job, items, waves, from, to }) => {
  if (waves === undefined) {
    parentPort.postMessage(many(job, items));
    return;
  }
  for (let i = from; i < to; i++) waves[i] = Math.sin(i) * Math.sqrt(i);
  parentPort.postMessage(undefined);
});

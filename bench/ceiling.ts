/** What two bare threads reach against one, with nothing between them and the machine. */
import { Worker } from 'node:worker_threads';
import { median } from './rounds.js';

const SOURCE = `
const { parentPort } = require('node:worker_threads');
function burn(x, rounds) {
  let h = x | 0;
  for (let i = 0; i < rounds; i++) h = (Math.imul(h, 1664525) + 1013904223) | 0;
  return h;
}
parentPort.on('message', (rounds) => parentPort.postMessage(burn(1, rounds)));
`;
const ROUNDS = 60_000_000;

export async function ceiling(): Promise<number> {
  const threads = [0, 1].map(() => new Worker(SOURCE, { eval: true }));
  const once = (thread: Worker): Promise<unknown> =>
    new Promise((resolve) => {
      thread.once('message', resolve);
      thread.postMessage(ROUNDS);
    });
  const time = async (count: number): Promise<number> => {
    const begun = performance.now();
    await Promise.all(threads.slice(0, count).map(once));
    return performance.now() - begun;
  };
  await time(2);
  const gains: number[] = [];
  for (let i = 0; i < 5; i++) gains.push((2 * (await time(1))) / (await time(2)));
  await Promise.all(threads.map((thread) => thread.terminate()));
  return median(gains);
}

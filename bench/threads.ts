/** Two worker threads by hand, as one who knows the platform and the work writes them: started before, kept, fed in pieces. */
import { Worker } from 'node:worker_threads';
import { type Contestant, WORKERS } from './contestants.js';
import type { JobName } from './jobs.js';
import type { Role } from './table.js';

export class Threads implements Contestant {
  readonly role: Role = 'threads';
  readonly name: string;
  readonly #pieces: number;
  readonly #workers = Array.from(
    { length: WORKERS },
    () => new Worker(new URL('./workers/threads.mjs', import.meta.url)),
  );

  /** With one piece a worker nothing is sent in between; with more, a worker that is held up gets less to do. */
  constructor(piecesAWorker: number) {
    this.#pieces = piecesAWorker * WORKERS;
    this.name = `two threads, ${piecesAWorker === 1 ? 'halves' : `${this.#pieces} pieces`}`;
  }

  async call(job: JobName, argument: unknown): Promise<unknown> {
    return ((await ask(this.#workers[0]!, { job, items: [argument] })) as unknown[])[0];
  }

  async map(job: JobName, items: readonly unknown[]): Promise<unknown[]> {
    const results = await this.#share(items.length, (from, to) => ({ job, items: items.slice(from, to) }));
    return (results as unknown[][]).flat();
  }

  /** sin(i) · √i at each index of an array in shared memory. */
  async waves(waves: Float64Array): Promise<void> {
    await this.#share(waves.length, (from, to) => ({ waves, from, to }));
  }

  close(): Promise<unknown> {
    return Promise.all(this.#workers.map((worker) => worker.terminate()));
  }

  async #share(length: number, piece: (from: number, to: number) => object): Promise<unknown[]> {
    const size = Math.ceil(length / this.#pieces);
    const results: unknown[] = [];
    let next = 0;
    const feed = async (worker: Worker): Promise<void> => {
      while (next < length) {
        const from = next;
        next += size;
        results[from / size] = await ask(worker, piece(from, Math.min(next, length)));
      }
    };
    await Promise.all(this.#workers.map(feed));
    return results;
  }
}

function ask(worker: Worker, message: object): Promise<unknown> {
  return new Promise((resolve) => {
    worker.once('message', resolve);
    worker.postMessage(message);
  });
}

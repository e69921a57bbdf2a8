/** The jobs that wait: for any worker, or for the one that they are pinned to. */
import { type Job, part, wantedRuns } from './job.js';
import { JobQueue } from './queue.js';

export class Backlog {
  /** Jobs that any worker may run. */
  readonly shared = new JobQueue();
  /** Those of each worker alone. */
  readonly pinned: readonly JobQueue[];
  readonly #finish: (job: Job) => void;

  /** `finish` is told of pieces that were cut up: nothing comes of them. */
  constructor(workers: number, finish: (job: Job) => void) {
    this.pinned = Array.from({ length: workers }, () => new JobQueue());
    this.#finish = finish;
  }

  /** Tasks in it, cancelled ones that have not surfaced included. */
  get size(): number {
    return this.pinned.reduce((sum, queue) => sum + queue.size, this.shared.size);
  }

  add(job: Job, front: boolean): void {
    const { pinned } = job.spec;
    const queue = pinned < 0 ? this.shared : this.pinned[pinned]!;
    if (front) queue.pushFront(job);
    else queue.push(job);
  }

  /** The first job of a queue; pieces with items that are not to run are cut around those first. */
  front(queue: JobQueue = this.shared): Job | undefined {
    for (let job = queue.peek(); job !== undefined; job = queue.peek()) {
      const wanted = job.group.skipped === undefined ? undefined : wantedRuns(job);
      if (wanted === undefined || wanted[0]?.count === job.count) return job;
      queue.shift();
      for (const { first, count } of wanted.reverse()) this.add(part(job, first, count), true);
      this.#finish(job);
    }
    return undefined;
  }

  /** Keeps the first items of a piece that was taken out and queues the rest in front. */
  split(job: Job, first: number): Job {
    const kept = part(job, 0, first);
    this.add(part(job, first, job.count - first), true);
    this.#finish(job);
    return kept;
  }

  /** Removes and returns all. */
  drain(queues: readonly JobQueue[] = [this.shared, ...this.pinned]): Job[] {
    const jobs = queues.flatMap((queue) => queue.drain());
    for (const job of jobs) this.#finish(job);
    return jobs;
  }
}

import { Deque } from '../../util/deque.js';
import type { Job } from './job.js';

/** Jobs by priority (higher first), then in order of arrival. Cancelled jobs are passed over as they surface. */
export class JobQueue {
  readonly #levels = new Map<number, Deque<Job>>();
  #priorities: number[] = [];

  /** Jobs in it, cancelled ones that have not surfaced included. */
  size = 0;

  push(job: Job): void {
    this.size += 1;
    this.#level(job.spec.priority).push(job);
  }

  /** In front of all jobs of its priority: it has waited its turn before. */
  pushFront(job: Job): void {
    this.size += 1;
    this.#level(job.spec.priority).unshift(job);
  }

  peek(): Job | undefined {
    while (this.#priorities.length > 0) {
      const priority = this.#priorities[0]!;
      const level = this.#levels.get(priority)!;
      for (let job = level.peek(); job !== undefined; job = level.peek()) {
        if (job.phase === 'queued') return job;
        level.shift();
        this.size -= 1;
      }
      this.#priorities.shift();
      this.#levels.delete(priority);
    }
    return undefined;
  }

  /** Removes what {@link peek} gives. */
  shift(): Job | undefined {
    const job = this.peek();
    if (job === undefined) return undefined;
    this.size -= 1;
    return this.#levels.get(job.spec.priority)!.shift();
  }

  #level(priority: number): Deque<Job> {
    let level = this.#levels.get(priority);
    if (level === undefined) {
      level = new Deque();
      this.#levels.set(priority, level);
      this.#priorities.push(priority);
      this.#priorities.sort((a, b) => b - a);
    }
    return level;
  }
}

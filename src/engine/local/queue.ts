import { Deque } from '../../util/deque.js';
import { isBurst, type Job } from './job.js';

interface Level {
  readonly priority: number;
  readonly depth: number;
  readonly jobs: Deque<Job>;
}

/**
 * Jobs by priority (higher first), then by depth (calls of running tasks before new tasks, so that what has begun
 * ends before more begins), then in order of arrival. Cancelled jobs are passed over as they surface.
 */
export class JobQueue {
  /** In order; few at a time. */
  readonly #levels: Level[] = [];

  /** Tasks in it (a chunk of a map counts as one), cancelled ones that have not surfaced included. */
  size = 0;

  push(job: Job): void {
    this.size += tasksIn(job);
    this.#level(job).jobs.push(job);
  }

  /** In front of all jobs of its level: it has waited its turn before. */
  pushFront(job: Job): void {
    this.size += tasksIn(job);
    this.#level(job).jobs.unshift(job);
  }

  peek(): Job | undefined {
    for (let level = this.#levels[0]; level !== undefined; level = this.#levels[0]) {
      for (let job = level.jobs.peek(); job !== undefined; job = level.jobs.peek()) {
        if (job.phase === 'queued') return job;
        level.jobs.shift();
        this.size -= tasksIn(job);
      }
      this.#levels.shift();
    }
    return undefined;
  }

  /** Removes what {@link peek} gives. */
  shift(): Job | undefined {
    const job = this.peek();
    if (job === undefined) return undefined;
    this.size -= tasksIn(job);
    return this.#levels[0]!.jobs.shift();
  }

  /** Removes and returns all. */
  drain(): Job[] {
    const jobs: Job[] = [];
    for (let job = this.shift(); job !== undefined; job = this.shift()) jobs.push(job);
    return jobs;
  }

  #level({ spec: { priority }, group: { depth } }: Job): Level {
    const levels = this.#levels;
    let at = 0;
    for (let level = levels[at]; level !== undefined; level = levels[++at]) {
      if (level.priority === priority && level.depth === depth) return level;
      if (level.priority < priority || (level.priority === priority && level.depth < depth)) break;
    }
    const level = { priority, depth, jobs: new Deque<Job>() };
    levels.splice(at, 0, level);
    return level;
  }
}

/** Each call wants a worker of its own; a chunk is shared out once it turns out to be long. */
function tasksIn(job: Job): number {
  return isBurst(job) ? job.count : 1;
}

/** Whether `a` has to go before `b` by its rank alone. */
export function outranks(a: Job, b: Job): boolean {
  const byPriority = a.spec.priority - b.spec.priority;
  return byPriority > 0 || (byPriority === 0 && a.group.depth > b.group.depth);
}

/** Whether `a` has to go before `b`: by its rank, or since it came first. */
export function goesBefore(a: Job, b: Job): boolean {
  return outranks(a, b) || (!outranks(b, a) && a.group.submittedAt < b.group.submittedAt);
}

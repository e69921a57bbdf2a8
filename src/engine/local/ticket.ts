import type { JobPhase, JobTicket } from '../engine.js';
import type { Group, Job } from './job.js';

/** What a ticket asks of its engine. */
export interface TicketHost {
  runningSince(job: Job): number;
  cancel(group: Group, reason: unknown): void;
  cancelItem(job: Job, item: number, reason: unknown): void;
  credit(job: Job, count: number): void;
}

export function ticketOf(group: Group, host: TicketHost): JobTicket {
  return new Ticket(group, host);
}

class Ticket implements JobTicket {
  readonly #group: Group;
  readonly #host: TicketHost;

  constructor(group: Group, host: TicketHost) {
    this.#group = group;
    this.#host = host;
  }

  phase(index: number): JobPhase {
    const job = this.#piece(index);
    if (job === undefined || index - job.base < job.results) return 'over';
    return this.startedAt(index) > 0 ? 'running' : 'pending';
  }

  explain(index: number): string {
    const phase = this.phase(index);
    if (phase !== 'pending') return phase === 'running' ? 'it is running' : 'it is over';
    const { pinned, delay } = this.#group.spec;
    const place = this.#piece(index)?.place;
    if (place !== undefined) return `it is next on worker ${place.worker}`;
    if (pinned >= 0) return `it waits for worker ${pinned}, which it is pinned to`;
    return delay > 0
      ? `it waits ${delay} ms before its next attempt, or for a worker`
      : 'it waits for a free worker';
  }

  startedAt(index: number): number {
    const job = this.#piece(index);
    // Items run in order: the one that runs is the first without a result.
    return job !== undefined && index - job.base === job.results ? this.#host.runningSince(job) : 0;
  }

  running(): { since: number; worker: number } | undefined {
    let first: { since: number; worker: number } | undefined;
    for (const job of this.#group.pieces) {
      const since = this.#host.runningSince(job);
      if (since === 0 || job.place === undefined) continue;
      if (first === undefined || since < first.since) first = { since, worker: job.place.worker };
    }
    return first;
  }

  worker(index: number): number {
    return this.#piece(index)?.place?.worker ?? -1;
  }

  cancel(reason: unknown): void {
    this.#host.cancel(this.#group, reason);
  }

  cancelItem(index: number, reason: unknown): void {
    const job = this.#piece(index);
    if (job !== undefined) this.#host.cancelItem(job, index - job.base, reason);
  }

  credit(index: number, count: number): void {
    const job = this.#piece(index);
    if (job !== undefined) this.#host.credit(job, count);
  }

  /** The piece that holds the item and is not over. */
  #piece(index: number): Job | undefined {
    for (const job of this.#group.pieces) {
      if (index >= job.base && index < job.base + job.kept) return job;
    }
    return undefined;
  }
}

import type { JobPhase, JobTicket } from '../engine.js';
import type { Group, Job } from './job.js';

/** What a ticket asks of its engine. */
export interface TicketHost {
  runningSince(job: Job): number;
  cancel(group: Group, reason: unknown): void;
  credit(group: Group, count: number): void;
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

  phase(): JobPhase {
    if (this.#group.pieces.size === 0) return 'over';
    for (const job of this.#group.pieces) if (this.#host.runningSince(job) > 0) return 'running';
    return 'pending';
  }

  explain(): string {
    const phase = this.phase();
    if (phase !== 'pending') return phase === 'running' ? 'it is running' : 'it is over';
    const { pinned, delay } = this.#group.spec;
    for (const job of this.#group.pieces) {
      if (job.place !== undefined) return `it is next on worker ${job.place.worker}`;
    }
    if (pinned >= 0) return `it waits for worker ${pinned}, which it is pinned to`;
    return delay > 0
      ? `it waits ${delay} ms before its next attempt, or for a worker`
      : 'it waits for a free worker';
  }

  startedAt(): number {
    for (const job of this.#group.pieces) {
      const since = this.#host.runningSince(job);
      if (since > 0) return since;
    }
    return 0;
  }

  /** Of a piece that runs, where one does: one that was moved leaves an empty one behind for a while. */
  worker(): number {
    let found = -1;
    for (const job of this.#group.pieces) {
      if (job.place === undefined) continue;
      if (this.#host.runningSince(job) > 0) return job.place.worker;
      if (found < 0) found = job.place.worker;
    }
    return found;
  }

  cancel(reason: unknown): void {
    this.#host.cancel(this.#group, reason);
  }

  credit(count: number): void {
    this.#host.credit(this.#group, count);
  }
}

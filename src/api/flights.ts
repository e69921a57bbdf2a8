import type { JobTicket } from '../engine/index.js';

/** The jobs of an operation that are with the engine, and the indices of their first items. */
export class Flights {
  readonly #firsts = new Map<JobTicket, number>();

  add(ticket: JobTicket, first: number): void {
    this.#firsts.set(ticket, first);
  }

  delete(ticket: JobTicket): void {
    this.#firsts.delete(ticket);
  }

  /** Since when the item has run that has run for longest, in ms; undefined where none runs. */
  get runningSince(): number | undefined {
    let since: number | undefined;
    for (const ticket of this.#firsts.keys()) {
      const started = ticket.running()?.since;
      if (started !== undefined && (since === undefined || started < since)) since = started;
    }
    return since;
  }

  cancel(reason: unknown): void {
    for (const ticket of this.#firsts.keys()) ticket.cancel(reason);
    this.#firsts.clear();
  }

  /** Cancels all that holds no item before `end` that is `missing` (none from the given index up to `end` has been told). */
  cancelFrom(end: number, missing: (from: number) => boolean, reason: unknown): void {
    // To stop a worker by force would take what else it runs with it.
    const needed = new Set<number>();
    const rest: JobTicket[] = [];
    for (const [ticket, first] of this.#firsts) {
      if (first >= end || !missing(first)) rest.push(ticket);
      else if (ticket.running() !== undefined) needed.add(ticket.running()!.worker);
    }
    for (const ticket of rest) {
      const running = ticket.running();
      if (running !== undefined && needed.has(running.worker)) continue;
      this.#firsts.delete(ticket);
      ticket.cancel(reason);
    }
  }
}

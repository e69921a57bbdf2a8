import type { Operation, Port, Steps } from './operations.js';
import type { Clock } from './races.js';

/** Something for an event loop to do. */
export interface Task {
  readonly run: () => unknown;
  /** How far its cause had come, for ordering what follows after it. */
  readonly seen: Clock | undefined;
}

/** What runs beside the others: a thread, with an event loop if it takes turns of one. */
export class Actor {
  readonly index: number;
  readonly name: string;
  readonly steps: Steps<unknown>;
  /** What it does next. */
  pending: Operation | undefined;
  over = false;
  /** Address of the word at which it waits, blocked. */
  asleep: number | undefined;
  /** How many more of its waits may end because their time is over. */
  timeouts: number;
  readonly tasks: Task[] = [];
  readonly timers = new Map<number, () => unknown>();
  readonly ports: Port[] = [];
  /** Addresses of words at which it has ever waited without blocking. */
  readonly awaited = new Set<number>();
  #now = 0;
  #timer = 0;

  constructor(index: number, name: string, steps: Steps<unknown>, timeouts: number) {
    this.index = index;
    this.name = name;
    this.steps = steps;
    this.timeouts = timeouts;
  }

  /** There is something for its event loop. */
  get hasEvents(): boolean {
    return this.tasks.length > 0 || this.timers.size > 0 || this.ports.some(({ queue }) => queue.length > 0);
  }

  get canStep(): boolean {
    if (this.over) return false;
    if (this.asleep !== undefined) return this.timeouts > 0;
    return this.pending!.kind !== 'turn' || this.hasEvents;
  }

  /** A clock of its own, which goes on when it is read: whoever looks for a while comes to an end. */
  now(): number {
    this.#now += 1;
    return this.#now;
  }

  addTimer(run: () => unknown): number {
    this.#timer += 1;
    this.timers.set(this.#timer, run);
    return this.#timer;
  }

  /** What its event loop does next: what has happened, in order; then messages; then a timer. */
  takeTask(): Task | undefined {
    const task = this.tasks.shift();
    if (task !== undefined) return task;
    const port = this.ports.find(({ queue }) => queue.length > 0);
    if (port !== undefined) {
      const { message, seen } = port.queue.shift()!;
      return { run: () => port.listener?.(message), seen };
    }
    for (const [id, run] of this.timers) {
      this.timers.delete(id);
      return { run, seen: undefined };
    }
    return undefined;
  }
}

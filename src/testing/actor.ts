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
  /** What `setImmediate` was given, and what waits without blocking were woken for. */
  readonly immediates: Task[] = [];
  readonly wakes: Task[] = [];
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

  /** How many sources its event loop has something from: which of them comes first is anybody's guess. */
  get events(): number {
    let events = 0;
    for (const { queue } of this.ports) if (queue.length > 0) events += 1;
    if (this.immediates.length > 0) events += 1;
    if (this.wakes.length > 0) events += 1;
    if (this.timers.size > 0) events += 1;
    return events;
  }

  /** In how many ways its next step may go. */
  get choices(): number {
    return this.asleep === undefined && this.pending?.kind === 'turn' ? this.events : 1;
  }

  get canStep(): boolean {
    if (this.over) return false;
    if (this.asleep !== undefined) return this.timeouts > 0;
    return this.pending!.kind !== 'turn' || this.events > 0;
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

  /** What its event loop does next, from the source that was chosen. */
  takeTask(choice: number): Task {
    const sources: (() => Task)[] = [];
    if (this.immediates.length > 0) sources.push(() => this.immediates.shift()!);
    if (this.wakes.length > 0) sources.push(() => this.wakes.shift()!);
    for (const port of this.ports) if (port.queue.length > 0) sources.push(() => messageTask(port));
    for (const [id, run] of this.timers) {
      sources.push(() => {
        this.timers.delete(id);
        return { run, seen: undefined };
      });
      break;
    }
    return sources[choice]!();
  }
}

function messageTask(port: Port): Task {
  const { message, seen } = port.queue.shift()!;
  return { run: () => port.listener?.(message), seen };
}

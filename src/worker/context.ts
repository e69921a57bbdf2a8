/**
 * What a task can ask about itself. The context belongs to a slot, not to an item: items of one job run one
 * after the other, so `index` and `attempt` are set before each, and one `AsyncLocalStorage.run` a job is
 * enough for any number of items (a run costs more than a cheap call).
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import { SimulError } from '../errors.js';
import { createRandom, type Random } from '../util/random/index.js';

/** What `task()` gives inside a task. */
export interface Task {
  /** The task's id, as in `Future.id`. */
  readonly id: string;
  /** Position of the item in its operation; 0 for `run`. */
  readonly index: number;
  /** 1 for the first attempt. */
  readonly attempt: number;
  /** The worker's number in its pool. */
  readonly worker: number;
  /** Aborted when the task is cancelled or out of time; `aborted` can also be polled from synchronous loops. */
  readonly signal: AbortSignal;
  /** This task's own random stream: the same for a seed and an index whatever ran it. */
  readonly random: Random;
  /** Reports how far this task is; seen in the `onProgress` of its operation. */
  progress(done: number, total?: number): void;
}

/** How a context reaches the outside. */
export interface TaskHost {
  readonly worker: number;
  cancelRequested(slot: number, item: number): boolean;
  progress(slot: number, index: number, done: number, total: number | undefined): void;
  /** The item that made these calls is over: they hold no place free any more. */
  settleWaits(context: TaskContext): void;
}

/** How many calls to the pool one item waits for. */
export interface Waits {
  open: number;
}

/** A signal whose `aborted` is true as soon as the parent has asked, even where no event can be delivered. */
function taskSignal(controller: AbortController, requested: () => boolean): AbortSignal {
  const { signal } = controller;
  const base = Object.getOwnPropertyDescriptor(AbortSignal.prototype, 'aborted')?.get;
  Object.defineProperty(signal, 'aborted', {
    configurable: true,
    get: () => base?.call(signal) === true || requested(),
  });
  const thrower = signal.throwIfAborted;
  Object.defineProperty(signal, 'throwIfAborted', {
    configurable: true,
    value: () => {
      if (base?.call(signal) !== true && requested()) {
        controller.abort(new DOMException('This task was asked to stop', 'AbortError'));
      }
      thrower.call(signal);
    },
  });
  return signal;
}

/** What all items of a job share. */
export interface Seat {
  readonly slot: number;
  readonly task: number;
  /** The first item's place among the tasks that were given as one. */
  readonly first: number;
  readonly attempt: number;
  readonly seed: number;
  /** Random stream of the first item. */
  readonly stream: number;
}

export class TaskContext implements Task {
  readonly slot: number;
  readonly #host: TaskHost;
  readonly #seat: Seat;
  index = 0;
  /** Place of the running item in its job. */
  item = 0;
  readonly attempt: number;
  /** Calls to the pool that the running item waits for; made with the first. */
  waits: Waits | undefined;
  /** The job is over; what its tasks left behind may still run. */
  over = false;
  /** Something of what follows was asked for. */
  #used = false;
  #controller: AbortController | undefined;
  #signal: AbortSignal | undefined;
  #random: Random | undefined;

  constructor(host: TaskHost, seat: Seat) {
    this.#host = host;
    this.#seat = seat;
    this.slot = seat.slot;
    this.attempt = seat.attempt;
  }

  /** Its last item is over. */
  end(): void {
    this.over = true;
    if (this.waits !== undefined) this.#host.settleWaits(this);
  }

  /** The next item of the job begins. */
  begin(item: number, index: number): void {
    this.item = item;
    this.index = index;
    if (this.#used || this.waits !== undefined) this.#renew();
  }

  /** What the item before has asked for is its own. */
  #renew(): void {
    if (this.waits !== undefined) this.#host.settleWaits(this);
    this.#used = false;
    this.#random = undefined;
    this.#controller = undefined;
    this.#signal = undefined;
  }

  get id(): string {
    return taskId(this.#seat.task, this.#seat.first + this.item);
  }

  get worker(): number {
    return this.#host.worker;
  }

  get signal(): AbortSignal {
    if (this.#signal === undefined) {
      const { slot, item } = this;
      const host = this.#host;
      this.#used = true;
      this.#controller = new AbortController();
      this.#signal = taskSignal(this.#controller, () => host.cancelRequested(slot, item));
    }
    return this.#signal;
  }

  get random(): Random {
    this.#used = true;
    this.#random ??= createRandom(this.#seat.seed, this.#seat.stream + this.item);
    return this.#random;
  }

  progress(done: number, total?: number): void {
    this.#host.progress(this.slot, this.item, done, total);
  }

  /** The parent asks the running item to stop. */
  abort(reason: unknown): void {
    this.signal;
    this.#controller?.abort(reason);
  }
}

/** The id of one task: a number for all that was given as one, and its place among those. */
export function taskId(number: number, item: number): string {
  return item === 0 ? `t${number}` : `t${number}.${item}`;
}

/** Shared by all copies of the package in this thread: a bundle may hold a second one. */
const key = Symbol.for('simul.tasks.1');
type Holder = { [key]?: AsyncLocalStorage<TaskContext> };
const holder = globalThis as Holder;
holder[key] ??= new AsyncLocalStorage<TaskContext>();
export const tasks: AsyncLocalStorage<TaskContext> = holder[key];

/** The running task's context, or undefined outside tasks. */
export function currentTask(): TaskContext | undefined {
  return tasks.getStore();
}

/**
 * About the task that calls it.
 *
 * @throws SimulError (`SIMUL_NO_TASK`) outside a task.
 */
export function task(): Task {
  const context = tasks.getStore();
  if (context === undefined) {
    throw new SimulError(
      'SIMUL_NO_TASK',
      'task() was called outside a task: call it in a function given to run, map, stream or another call of a pool',
    );
  }
  return context;
}

/** What ended the attempts of tasks that are tried again: a task that keeps on losing its worker says so of each. */
import { WorkerCrashedError } from '../errors.js';

/** Errors that are kept of one task: the first and the last ones. */
const MOST = 64;

/** Adds what ended an attempt that another one follows. */
export function remember(earlier: unknown[], error: unknown): unknown[] {
  if (earlier.length >= MOST) earlier.splice(MOST / 2, 1);
  earlier.push(error);
  return earlier;
}

/** The error of the last attempt, as the caller gets it; with those before as its cause where it lost its worker. */
export function ofAllAttempts(error: unknown, attempts: number, earlier: readonly unknown[] = []): unknown {
  if (!(error instanceof WorkerCrashedError) || earlier.length === 0) return error;
  const all = [...earlier, error];
  const left = attempts - all.length;
  const what = `what ended each of ${attempts} attempts, in order${left > 0 ? `; ${left} in the middle are left out` : ''}`;
  const message = `${error.message}; it was the last of ${attempts} attempts: see the cause for each of them`;
  const whole = new WorkerCrashedError(message, { ...error, cause: new AggregateError(all, what) });
  for (const key of ['stack', 'task'] as const) {
    const value = key === 'task' ? error.task : error.stack?.replace(error.message, () => message);
    Object.defineProperty(whole, key, { value, configurable: true, writable: true, enumerable: false });
  }
  return whole;
}

/** The same for the items of an operation. */
export class Attempts {
  readonly #earlier = new Map<number, unknown[]>();

  failed(index: number, error: unknown): void {
    this.#earlier.set(index, remember(this.#earlier.get(index) ?? [], error));
  }

  /** The item is settled, after so many attempts: the value or error to tell. */
  settled(index: number, ok: boolean, value: unknown, attempts: number): unknown {
    if (this.#earlier.size === 0) return value;
    const earlier = this.#earlier.get(index);
    this.#earlier.delete(index);
    return ok ? value : ofAllAttempts(value, attempts, earlier);
  }

  /** These went well. */
  over(first: number, count: number): void {
    for (let i = first; this.#earlier.size > 0 && i < first + count; i++) this.#earlier.delete(i);
  }
}

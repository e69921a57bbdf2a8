/** Whether an engine takes a task, and how many it has taken and told. */
import { PoolClosedError, QueueFullError } from '../../errors.js';

export interface AdmissionOptions {
  readonly name: string;
  /** Most tasks that may wait. */
  readonly queueLimit: number;
  /** Tasks that would not have to wait, were there none: for these a worker is free, even where it has not begun yet. */
  readonly places: () => number;
}

export class Admission {
  readonly #options: AdmissionOptions;
  #accepted = 0;
  /** Tasks that ended well. */
  done = 0;
  /** Attempts that failed or were cancelled. */
  failed = 0;
  phase: 'open' | 'closing' | 'closed' = 'open';
  /** Why no worker of this pool can run anything. */
  broken: Error | undefined;

  constructor(options: AdmissionOptions) {
    this.#options = options;
  }

  /** Accepted and not told. */
  get inside(): number {
    return this.#accepted - this.done - this.failed;
  }

  room(): number {
    const { queueLimit, places } = this.#options;
    if (queueLimit === Number.POSITIVE_INFINITY) return queueLimit;
    return Math.max(0, queueLimit + places() - this.inside);
  }

  /** @throws PoolClosedError, or what keeps anything from running */
  checkAlive(): void {
    if (this.phase === 'closed') throw this.refusal();
    if (this.broken !== undefined) throw this.broken;
  }

  /** @throws as `checkAlive`, QueueFullError; and where the pool is closing what was not begun before (`late`) */
  check(count: number, late: boolean): void {
    if (this.phase === 'closing' && !late) throw this.refusal();
    this.checkAlive();
    const { name, queueLimit } = this.#options;
    if (count > this.room()) {
      throw new QueueFullError(
        `${name} has its queueLimit of ${queueLimit} tasks waiting: await some before you send more`,
      );
    }
  }

  admit(count: number): void {
    this.#accepted += count;
  }

  /** Tasks that the calling thread has run itself. @throws as `checkAlive` */
  ranHere(count: number): void {
    this.checkAlive();
    this.admit(count);
    this.done += count;
  }

  /** What was admitted comes to be run. @throws as `checkAlive`; then it has failed */
  arrive(count: number): void {
    try {
      this.checkAlive();
    } catch (error) {
      this.failed += count;
      throw error;
    }
  }

  refusal(): PoolClosedError {
    return new PoolClosedError(`${this.#options.name} is closed: it takes no more tasks`);
  }
}

/** Deaths before the first task: how long to wait before the next start, and when starting is given up. */
import { START_FAILURES } from './policy.js';

export class Starts {
  /** One after the other, whichever worker it was. */
  #inRow = 0;
  /** Of each number. */
  readonly #of = new Map<number, number>();

  /** Deaths that the next start of this worker comes after. */
  failures(worker: number): number {
    return Math.max(this.#inRow, this.#of.get(worker) ?? 0);
  }

  /** A worker has begun a task: what it needs to start is there. */
  began(worker: number): void {
    this.#inRow = 0;
    this.#of.delete(worker);
  }

  /** Died before its first task. `othersWork`: some worker is ready. What is to be given up, if anything. */
  died(worker: number, othersWork: boolean): 'all' | 'pinned' | undefined {
    this.#inRow += 1;
    const own = (this.#of.get(worker) ?? 0) + 1;
    this.#of.set(worker, own);
    if (!othersWork && this.#inRow >= START_FAILURES) {
      this.#inRow = 0;
      this.#of.clear();
      return 'all';
    }
    return own < START_FAILURES ? undefined : 'pinned';
  }
}

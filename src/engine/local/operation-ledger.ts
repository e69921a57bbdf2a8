/** Which operations are open, and which still have jobs: when both end, workers may forget their copies. */
import type { OperationSpec } from '../engine.js';

interface Entry {
  readonly spec: OperationSpec;
  open: boolean;
  jobs: number;
}

export class OperationLedger {
  readonly #entries = new Map<number, Entry>();
  readonly #forget: (id: number) => void;
  #next = 1;
  /** Open operations that may send more jobs; the one that all `run`s share is none of them. */
  open = 0;

  constructor(forget: (id: number) => void) {
    this.#forget = forget;
  }

  add(spec: OperationSpec): number {
    const id = this.#next++;
    this.#entries.set(id, { spec, open: true, jobs: 0 });
    if (spec.kind !== 'call') this.open += 1;
    return id;
  }

  jobBegins(id: number): void {
    const entry = this.#entries.get(id);
    if (entry !== undefined) entry.jobs += 1;
  }

  jobEnds(id: number): void {
    const entry = this.#entries.get(id);
    if (entry === undefined) return;
    entry.jobs -= 1;
    this.#forgetIfDone(id, entry);
  }

  close(id: number): void {
    const entry = this.#entries.get(id);
    if (entry?.open !== true) return;
    entry.open = false;
    if (entry.spec.kind !== 'call') this.open -= 1;
    this.#forgetIfDone(id, entry);
  }

  #forgetIfDone(id: number, entry: Entry): void {
    if (entry.open || entry.jobs > 0) return;
    this.#entries.delete(id);
    this.#forget(id);
  }
}

/** Watches `timeout`, `queueTimeout` and `deadline` of jobs. A timer is armed for the earliest due time only. */
import { TaskTimeoutError } from '../../errors.js';
import { LONGEST_TIMER } from '../../util/longest-timer.js';
import { deadlineError, taskLabel } from '../deadline-error.js';
import type { Group, Job } from './job.js';

export interface LimitHost {
  now(): number;
  /**
   * Takes note of everything that has happened, so that nothing that is over is taken to be running; false where more may be
   * on its way.
   */
  look(): boolean;
  /** Some of the job has not started. */
  waits(job: Job): boolean;
  /** When the running item of a posted job started; 0 where none runs or it is not known yet. */
  runningSince(job: Job): number;
  /** The piece's running item failed; the rest goes on. */
  expireItem(job: Job, error: TaskTimeoutError): void;
  /** All that is left of the group failed. */
  expireGroup(group: Group, error: TaskTimeoutError, waitingOnly: boolean): void;
}

/** When to look again at what is about to start, or for what is on its way, in ms. */
const AGAIN = 10;
/** How often to look for that at most. */
const LOOKS = 3;

interface Watch {
  readonly group: Group;
  timer: NodeJS.Timeout | undefined;
}

export class LimitWatch {
  readonly #host: LimitHost;
  readonly #watches = new Map<Group, Watch>();

  constructor(host: LimitHost) {
    this.#host = host;
  }

  add(group: Group): void {
    const { timeout, queueTimeout, deadline } = group.spec.limits;
    if (timeout === undefined && queueTimeout === undefined && deadline === undefined) return;
    const watch: Watch = { group, timer: undefined };
    this.#watches.set(group, watch);
    this.#check(watch, this.#host.now());
  }

  /** Its pause is over: it waits for a worker from now on. */
  queued(group: Group): void {
    group.queuedAt = this.#host.now();
    const watch = this.#watches.get(group);
    if (watch === undefined) return;
    clearTimeout(watch.timer);
    this.#check(watch, group.queuedAt);
  }

  remove(group: Group): void {
    const watch = this.#watches.get(group);
    if (watch === undefined) return;
    clearTimeout(watch.timer);
    this.#watches.delete(group);
  }

  /** A result that came while this thread was busy is no reason to give a task up. */
  #due(watch: Watch, looks = LOOKS): void {
    // Before the look: of what ends while it lasts nothing is known.
    const now = this.#host.now();
    const all = this.#host.look() || looks === 0;
    if (!this.#watches.has(watch.group)) return;
    if (all) this.#check(watch, now);
    else watch.timer = setTimeout(() => this.#due(watch, looks - 1), AGAIN);
  }

  #check(watch: Watch, now: number): void {
    const { group } = watch;
    const { timeout, queueTimeout, deadline } = group.spec.limits;
    const age = now - group.submittedAt;
    // The pause before another attempt is no time spent waiting for a worker, however late its end is noticed.
    const waited = now - group.queuedAt;
    const { name } = group.spec;
    const label = taskLabel(name);
    let next = Number.POSITIVE_INFINITY;
    if (deadline !== undefined) {
      if (age >= deadline) {
        return this.#host.expireGroup(group, deadlineError(name, deadline), false);
      }
      next = Math.min(next, deadline - age);
    }
    if (queueTimeout !== undefined && this.#anyWaiting(group)) {
      if (waited >= queueTimeout) {
        const error = new TaskTimeoutError(
          `${label} had not started after its queueTimeout of ${queueTimeout} ms`,
        );
        this.#host.expireGroup(group, error, true);
        // What is about to start could not be taken back, and may come back after all.
        if (this.#anyWaiting(group)) next = AGAIN;
      } else next = Math.min(next, queueTimeout - waited);
    }
    if (timeout !== undefined) next = Math.min(next, this.#checkRunning(group, timeout, now, label));
    if (!this.#watches.has(group) || next === Number.POSITIVE_INFINITY) return;
    // Not unref'd: what is in flight keeps the process alive anyway.
    watch.timer = setTimeout(() => this.#due(watch), Math.min(Math.max(1, Math.ceil(next)), LONGEST_TIMER));
  }

  #anyWaiting(group: Group): boolean {
    for (const job of group.pieces) if (this.#host.waits(job)) return true;
    return false;
  }

  /** Expires items that ran out of time; how long until the next may. */
  #checkRunning(group: Group, timeout: number, now: number, label: string): number {
    let next = timeout;
    for (const job of [...group.pieces]) {
      const since = this.#host.runningSince(job);
      if (since === 0) continue;
      const left = since + timeout - now;
      if (left > 0) next = Math.min(next, left);
      else {
        const index = job.base + job.results;
        this.#host.expireItem(
          job,
          new TaskTimeoutError(
            `${label}${group.spec.operation.spec.kind === 'call' ? '' : ` (item ${index})`} ran longer than its timeout of ${timeout} ms`,
          ),
        );
      }
    }
    return next;
  }
}

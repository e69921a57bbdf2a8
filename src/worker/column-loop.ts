/**
 * The loop over items that are numbers, as long as their results are numbers too, or nothing: what `job-run.ts` does with
 * each item, without what such items do not need. Calls that take less than this costs are what it is for.
 */
import type { Numbers } from '../protocol/index.js';
import type { TaskContext } from './context.js';
import type { JobHost } from './job-run.js';

export interface ColumnJob {
  readonly host: JobHost;
  readonly slot: number;
  /** Index of the first item. */
  readonly base: number;
  readonly count: number;
  readonly column: Numbers;
  readonly fn: (item: number, index: number) => unknown;
  readonly context: TaskContext;
  /** Results are wanted, not just their ends. */
  readonly keeps: boolean;
  /** Somebody may wait for each. */
  readonly rings: boolean;
}

/** Where it stopped. */
export class Stop {
  /** The item that has begun last. */
  at = 0;
  /** It is over, and its result sent, unless the function threw: then this is not set. */
  sent = false;
  /** It was the job's last, or the job was taken back: nothing more was to be claimed. */
  end = false;
  /** What came of it, where that has not been sent. */
  result: unknown = undefined;
}

/**
 * Runs the claimed item `from`, claims the next, and so on until as many as `until` are over.
 *
 * @throws what the function throws
 */
export function runColumn(job: ColumnJob, from: number, until: number, stop: Stop): void {
  const { host, slot, base, count, column, fn, context, keeps, rings } = job;
  const { segment } = host;
  stop.sent = false;
  let at = from;
  for (;;) {
    stop.at = at;
    context.begin(at, base + at);
    const result = fn(column[at]!, base + at);
    if (
      (typeof result !== 'number' && result !== undefined) ||
      !host.trySendNumber(slot, at, keeps ? result : undefined, count - at)
    ) {
      stop.result = result;
      return;
    }
    if (at + 1 >= until) break;
    at = segment.claim(slot);
    if (rings) host.tell();
    if (at >= count) {
      stop.end = true;
      break;
    }
  }
  stop.sent = true;
}

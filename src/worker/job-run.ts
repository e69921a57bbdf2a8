/**
 * Runs the items of one job, one after the other. Each item is claimed in shared memory first, so that the
 * parent can take back what has not started; each result counts when the next item starts at the latest, so that
 * nothing finished is lost when the worker dies.
 */
import { types } from 'node:util';
import type { Unpacker } from '../codec/index.js';
import { CLOSED, NOT_YET, type Segment } from '../memory/index.js';
import type { ItemTimes, JobHead, Numbers } from '../protocol/index.js';
import { isThenable } from './around.js';
import { type ColumnJob, runColumn, Stop } from './column-loop.js';
import { type TaskContext, tasks } from './context.js';
import type { Operation } from './operations.js';

/** What a job needs of its worker. */
export interface JobHost {
  readonly segment: Segment;
  /** In a process of its own, where messages have to wait for room as well. */
  readonly apart: boolean;
  /** Results may go into columns: the parent sees what is claimed. */
  readonly columns: boolean;
  sendResult(slot: number, item: number, value: unknown, manner: Manner): void;
  /** The result of a job of one item, which is over with it; false where it has to be sent as others are. */
  trySendOnly(slot: number, value: unknown, times: ItemTimes, owned: boolean): boolean;
  /**
   * A result that is a number, or nothing: it counts when the next item of the job is claimed, and {@link tell} says so.
   * False where it has to be sent as others are.
   */
  trySendNumber(slot: number, item: number, value: number | undefined, left: number): boolean;
  /** What has been sent counts, whether or not another item is claimed. */
  closeResults(): void;
  sendError(slot: number, item: number, error: unknown, times: ItemTimes): void;
  /** Wakes the parent for what was sent quietly. */
  tell(): void;
  /** What was sent is not to be lost with this process. */
  flush(): void;
  /** Blocks for a moment until the next item may begin, where that has to be granted; a promise where it takes longer. */
  waitToClaim(slot: number): Promise<void> | undefined;
  /** Asks for what the last item of the job needs and has not got: {@link JobRun.fetched} is told. */
  fetch(slot: number): void;
  sendEnd(slot: number, started: number, elapsed: number): void;
  /** Runs a generator to its end; resolves when it is over, however it ended. */
  runStream(slot: number, item: number, generator: AnyGenerator, unbounded: boolean): Promise<void>;
}

/** What nobody waits for is seen after this time at the latest, in ms (or with the next item's end). */
const TELL = 10;

/** To send a result takes less, where it does not wait for room, in ms. */
const WAITED = 1;

/** How a result is sent. */
export interface Manner {
  /** How many items of the job follow at most, itself included. */
  left: number;
  /** For operations whose items are timed. */
  readonly times: ItemTimes | undefined;
  /** Nothing here can see the value any more. */
  owned: boolean;
  /** Nobody has to be woken for it. */
  readonly quiet: boolean;
}

/** The items of a job, as they came. */
export interface JobItems {
  readonly item: (at: number) => unknown;
  /** Where all are numbers: those. */
  readonly column: Numbers | undefined;
  /** Of single calls: says whether nothing of the call outlives it but the result. */
  readonly reader: Unpacker | undefined;
  /** Where parts of the last item have to be put before it can be read. */
  readonly missing: unknown[] | undefined;
}

export type AnyGenerator = Generator<unknown> | AsyncGenerator<unknown>;

export class JobRun {
  readonly slot: number;
  /** Of the items of a `map` together; calls have one each, since what they leave behind may ask for it. */
  context: TaskContext;
  readonly #newContext: () => TaskContext;
  readonly #host: JobHost;
  readonly #head: JobHead;
  readonly #operation: Operation;
  readonly #items: JobItems;
  #arrived: (() => void) | undefined;
  #started = 0;
  #begin = 0;
  /** An item begins when the one before it is over. */
  readonly #times: ItemTimes = { began: 0, over: 0 };
  readonly #manner: Manner;
  /** Its end was told together with its only result. */
  #ended = false;
  #nextCheck = 1;
  /** Results may go into a column. */
  readonly #columns: boolean;
  /** Where the items are a column: the loop over them, from the first item on, and where it stopped. */
  #loop: ColumnJob | undefined;
  readonly #stop = new Stop();
  /** When what was sent without waking anybody is to be seen, in ms from the beginning; never where all wakes. */
  #tellAt: number;

  constructor(
    host: JobHost,
    slot: number,
    head: JobHead,
    operation: Operation,
    items: JobItems,
    newContext: () => TaskContext,
  ) {
    this.#host = host;
    this.slot = slot;
    this.#head = head;
    this.#operation = operation;
    this.#items = items;
    this.#newContext = newContext;
    this.context = newContext();
    const { kind, timed, quiet } = operation.head;
    this.#columns = host.columns && !timed && kind !== 'call' && items.missing === undefined;
    this.#tellAt = quiet ? TELL : Number.POSITIVE_INFINITY;
    this.#manner = { left: 0, times: timed ? this.#times : undefined, owned: false, quiet };
  }

  /** Runs until the job is over, or until an item has to be awaited: then a promise of the job's end. */
  run(): Promise<void> | undefined {
    this.#begin = performance.now();
    this.#times.over = this.#begin;
    return tasks.run(this.context, () => this.#proceed());
  }

  fetched(parts: readonly unknown[]): void {
    for (const [i, part] of parts.entries()) if (part !== undefined) this.#items.missing![i] = part;
    this.#arrived?.();
  }

  #proceed(): Promise<void> | undefined {
    const host = this.#host;
    const { segment } = host;
    const { count } = this.#head;
    const { timed, quiet } = this.#operation.head;
    const rings = this.#columns && !quiet;
    const byColumn = this.#columns && this.#items.column !== undefined;
    while (this.#started < count) {
      // Before the claim: whoever sees an item claimed sees when it began, and never the start of the one before.
      // Time in which the last result waited for room is neither's.
      this.#times.began = segment.isOver(this.slot) ? performance.now() : this.#times.over;
      if (timed) segment.markStart(this.slot, this.#times.began);
      const at = segment.claim(this.slot);
      if (at === NOT_YET) {
        const pending = host.waitToClaim(this.slot);
        // That was no running time.
        if (pending !== undefined) {
          return pending.then(() => {
            this.#times.over = performance.now();
            return this.#proceed();
          });
        }
        this.#times.over = performance.now();
        continue;
      }
      // The result before may be one that counts since now.
      if (rings) host.tell();
      if (at >= count) break;
      this.#started = at + 1;
      const pending = byColumn ? this.#runColumn(at) : this.#runItem(at);
      if (pending !== undefined) {
        const over = this.#started;
        // It may take long: what came before it is not to wait for that.
        if (quiet) host.tell();
        return pending.then(() => (this.#ended || this.#outOfTime(over) ? this.#end() : this.#proceed()));
      }
      if (this.#ended || this.#stop.end || this.#outOfTime(this.#started)) break;
    }
    this.#end();
    return undefined;
  }

  #end(): void {
    if (this.#ended) return;
    this.#host.sendEnd(this.slot, this.#started, performance.now() - this.#begin);
  }

  /** The item has started, so nothing else will be done with its parts: now they can be moved here. */
  async #fetchThenRun(at: number): Promise<void> {
    const host = this.#host;
    const { slot } = this;
    const arrived = new Promise<void>((resolve) => {
      this.#arrived = resolve;
    });
    host.fetch(slot);
    await arrived;
    // Given up meanwhile: nobody wants to hear of it.
    if (host.segment.cancelRequested(slot, at)) return this.#send(at, undefined, false);
    await this.#runNow(at);
  }

  /** As {@link #runItem}, and goes on with the next items while that is all there is to do. */
  #runColumn(at: number): Promise<void> | undefined {
    const stop = this.#stop;
    try {
      if (this.#loop === undefined) {
        stop.at = at;
        this.context.begin(at, this.#head.base + at);
        this.#loop = this.#newLoop();
      }
      const { count } = this.#head;
      runColumn(this.#loop, at, this.#checks ? Math.min(this.#nextCheck, count) : count, stop);
      this.#started = stop.at + 1;
      return stop.sent ? undefined : this.#settle(stop.at, stop.result, false);
    } catch (error) {
      this.#started = stop.at + 1;
      this.#sendError(stop.at, error);
    }
    return undefined;
  }

  #newLoop(): ColumnJob {
    const { kind, quiet } = this.#operation.head;
    return {
      host: this.#host,
      slot: this.slot,
      base: this.#head.base,
      count: this.#head.count,
      column: this.#items.column!,
      fn: this.#operation.instance() as ColumnJob['fn'],
      context: this.context,
      keeps: kind !== 'each',
      rings: !quiet,
    };
  }

  #runItem(at: number): Promise<void> | undefined {
    if (this.#items.missing !== undefined && at === this.#head.count - 1) return this.#fetchThenRun(at);
    return this.#runNow(at);
  }

  #runNow(at: number): Promise<void> | undefined {
    const isCall = this.#operation.head.kind === 'call';
    if (isCall && at > 0) {
      this.context.end();
      this.context = this.#newContext();
    }
    this.context.begin(at, isCall ? 0 : this.#head.base + at);
    try {
      const result = isCall && at > 0 ? tasks.run(this.context, () => this.#call(at)) : this.#call(at);
      return this.#settle(at, result, this.#columns);
    } catch (error) {
      this.#sendError(at, error);
    }
    return undefined;
  }

  /** `byColumn`: see {@link #send}. */
  #settle(at: number, result: unknown, byColumn: boolean): Promise<void> | undefined {
    if (typeof result === 'object' || typeof result === 'function') {
      if (isThenable(result)) return this.#settleLater(at, result);
      if (types.isGeneratorObject(result)) return this.#stream(at, result as AnyGenerator);
    }
    this.#send(at, result, byColumn);
    return undefined;
  }

  /** `byColumn`: the next thing to happen is the claim of the next item. */
  #send(at: number, result: unknown, byColumn: boolean): void {
    const { kind, timed } = this.#operation.head;
    const { count } = this.#head;
    const value = kind === 'each' ? undefined : result;
    if (byColumn && (typeof value === 'number' || value === undefined)) {
      if (this.#host.trySendNumber(this.slot, at, value, count - at)) return;
    }
    const manner = this.#manner;
    manner.left = count - at;
    if (timed) {
      manner.owned = this.#items.reader?.keeps === false && !this.#operation.keeps;
      this.#times.over = performance.now();
      if (count === 1 && this.#host.trySendOnly(this.slot, value, this.#times, manner.owned)) {
        this.#ended = true;
        return;
      }
    }
    this.#host.sendResult(this.slot, at, value, manner);
    this.#noteWait();
  }

  /** A result of which a process waited to be rid is no running time of the next item's, though nothing says that it did. */
  #noteWait(): void {
    if (!this.#host.apart || this.#manner.times === undefined) return;
    const now = performance.now();
    if (now - this.#times.over > WAITED) this.#times.over = now;
  }

  #sendError(at: number, error: unknown): void {
    this.#times.over = performance.now();
    this.#host.sendError(this.slot, at, error, this.#times);
    this.#noteWait();
  }

  #call(at: number): unknown {
    const { kind } = this.#operation.head;
    // The function first: its classes are those of the items.
    const shared = this.#operation.hasFunction ? this.#operation.instance() : undefined;
    const value = this.#items.item(at);
    switch (kind) {
      case 'call': {
        if (shared !== undefined) return shared(...(value as unknown[]));
        const [fn, args] = value as [Function, unknown[]];
        return fn(...args);
      }
      case 'map':
      case 'each':
        return shared!(value, this.#head.base + at);
      case 'fold':
        return fold(shared!, value as [unknown, unknown[], number]);
      default:
        return kind satisfies never;
    }
  }

  async #settleLater(at: number, result: PromiseLike<unknown>): Promise<void> {
    try {
      const value = await result;
      if (types.isGeneratorObject(value)) return await this.#stream(at, value as AnyGenerator);
      this.#send(at, value, false);
      // Others may run before the next item does, or the end of the job.
      this.#host.flush();
      this.#noteWait();
    } catch (error) {
      this.#sendError(at, error);
    }
  }

  async #stream(at: number, generator: AnyGenerator): Promise<void> {
    await this.#host.runStream(this.slot, at, generator, this.#operation.head.unboundedStreams);
    this.#times.over = performance.now();
  }

  /** There is a reason to look at the clock between items. */
  get #checks(): boolean {
    return this.#head.limit > 0 || this.#tellAt < Number.POSITIVE_INFINITY;
  }

  /** Past the job's limit the rest goes back, to be cut anew. The clock is read in growing strides, if there is a reason. */
  #outOfTime(done: number): boolean {
    if (done < this.#nextCheck || done >= this.#head.count || !this.#checks) return false;
    const host = this.#host;
    const limit = this.#head.limit || Number.POSITIVE_INFINITY;
    const elapsed = performance.now() - this.#begin;
    if (elapsed >= this.#tellAt) {
      host.closeResults();
      host.tell();
      this.#tellAt = elapsed + TELL;
    }
    if (elapsed >= limit) {
      // No claim will say that the last one is over.
      host.closeResults();
      return host.segment.close(this.slot) < CLOSED;
    }
    const left = Math.min(limit, this.#tellAt) - elapsed;
    this.#nextCheck = done + Math.max(1, Math.min(done, Math.floor(left / 4 / (elapsed / done + 1e-6))));
    return false;
  }
}

/** `step` may be async: then the fold waits for each. */
function fold(step: Function, [initial, items, first]: [unknown, unknown[], number]): unknown {
  let folded = initial;
  for (let i = 0; i < items.length; i++) {
    folded = step(folded, items[i], first + i);
    if (isThenable(folded)) return foldAsync(step, folded, items, i + 1, first);
  }
  return folded;
}

async function foldAsync(
  step: Function,
  begun: PromiseLike<unknown>,
  items: unknown[],
  from: number,
  first: number,
): Promise<unknown> {
  let folded = await begun;
  for (let i = from; i < items.length; i++) folded = await step(folded, items[i], first + i);
  return folded;
}

import type { EngineStats } from '../engine/index.js';
import type { Progress } from './options.js';
import { Rate } from './rate.js';

/** Least time between two progress events, in ms. */
const INTERVAL = 50;

export interface MeterSpec {
  readonly total: number | undefined;
  readonly report: ((progress: Progress) => void) | undefined;
  readonly stats: () => EngineStats;
  /** Items sent and not finished. */
  readonly running: () => number;
  /** When the oldest of the items that run now was started; undefined where none runs. */
  readonly runningSince: () => number | undefined;
  /** Told what the report throws. */
  readonly failed: (error: unknown) => void;
  /** ms; a clock of its own in tests. */
  readonly now?: () => number;
}

/** Counts an operation's items and reports how far it is. */
export class Meter {
  done = 0;
  failed = 0;
  readonly #spec: MeterSpec;
  readonly #now: () => number;
  readonly #partial = new Map<number, number>();
  readonly #rate = new Rate();
  #begun: number;
  #last = Number.NEGATIVE_INFINITY;
  #timer: NodeJS.Timeout | undefined;

  constructor(spec: MeterSpec) {
    this.#spec = spec;
    this.#now = spec.now ?? (() => performance.now());
    this.#begun = this.#now();
  }

  start(): void {
    this.#begun = this.#now();
    if (this.#spec.report === undefined) return;
    // Says that time passes where no item ends; what is in flight keeps the process alive, not this.
    this.#timer = setInterval(() => this.#tick(), 250);
    this.#timer.unref();
  }

  item(index: number, ok: boolean, count: number): void {
    this.done += count;
    if (!ok) this.failed += count;
    if (this.#spec.report === undefined) return;
    this.#partial.delete(index);
    this.#tick();
  }

  /** Consecutive items that went well. */
  items(first: number, count: number): void {
    this.done += count;
    if (this.#spec.report === undefined) return;
    if (this.#partial.size > 0) for (let i = 0; i < count; i++) this.#partial.delete(first + i);
    this.#tick();
  }

  /** What a task says of itself. */
  partial(index: number, done: number, total: number | undefined): void {
    if (this.#spec.report === undefined || total === undefined || !(total > 0)) return;
    this.#partial.set(index, Math.min(1, Math.max(0, done / total)));
    this.#tick();
  }

  finish(): void {
    this.stop();
    this.#tell();
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  progress(): Progress {
    const now = this.#now();
    const { total } = this.#spec;
    const stats = this.#spec.stats();
    const whole = this.#whole();
    this.#rate.add(now, whole);
    // One of each worker, but where tasks tell of their parts: that comes in no bursts.
    const least = this.#partial.size > 0 ? 0 : stats.workers;
    const rate = this.#rate.perSecond(now, least) ?? this.#average(now);
    return {
      done: this.done,
      failed: this.failed,
      total,
      fraction: total === undefined ? undefined : total === 0 ? 1 : whole / total,
      running: this.#spec.running(),
      workers: stats.workers,
      busy: stats.busy,
      elapsed: now - this.#begun,
      rate,
      remaining:
        total === undefined
          ? undefined
          : whole === total
            ? 0
            : rate === 0
              ? undefined
              : ((total - whole) / rate) * 1000,
    };
  }

  #whole(): number {
    let whole = this.done;
    for (const part of this.#partial.values()) whole += part;
    return whole;
  }

  /** Of an operation that was over before there was a moving estimate. */
  #average(now: number): number {
    const elapsed = now - this.#begun;
    return this.#timer === undefined && elapsed > 0 ? (this.done / elapsed) * 1000 : 0;
  }

  #tick(): void {
    const now = this.#now();
    if (!this.#rate.begun) this.#begin(now);
    if (now - this.#last < INTERVAL || this.#timer === undefined) return;
    this.#last = now;
    this.#tell();
  }

  /** What runs says since when. What is done by now may have begun before that, so it does not count. */
  #begin(now: number): void {
    const since = this.#spec.runningSince();
    if (since !== undefined || this.done > 0) this.#rate.begin(since ?? now, this.done);
  }

  /** What the report throws is the operation's failure: it is called from a timer or a worker's message. */
  #tell(): void {
    try {
      this.#spec.report?.(this.progress());
    } catch (error) {
      this.#spec.failed(error);
    }
  }
}

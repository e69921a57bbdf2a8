import type { EngineStats } from '../engine/index.js';
import type { Progress } from './options.js';

/** Least time between two progress events, in ms. */
const INTERVAL = 50;
/** The rate is taken over about this time, in ms. */
const RATE_SPAN = 3000;

/** Counts an operation's items and reports how far it is. */
export class Meter {
  done = 0;
  failed = 0;
  total: number | undefined;
  #begun = performance.now();
  readonly #report: ((progress: Progress) => void) | undefined;
  readonly #failed: (error: unknown) => void;
  readonly #stats: () => EngineStats;
  readonly #running: () => number;
  readonly #partial = new Map<number, number>();
  readonly #samples: { at: number; done: number }[] = [];
  #last = Number.NEGATIVE_INFINITY;
  #timer: NodeJS.Timeout | undefined;

  constructor(
    total: number | undefined,
    report: ((progress: Progress) => void) | undefined,
    stats: () => EngineStats,
    running: () => number,
    failed: (error: unknown) => void,
  ) {
    this.total = total;
    this.#report = report;
    this.#failed = failed;
    this.#stats = stats;
    this.#running = running;
  }

  start(): void {
    this.#begun = performance.now();
    if (this.#report === undefined) return;
    // Says that time passes where no item ends; what is in flight keeps the process alive, not this.
    this.#timer = setInterval(() => this.#tick(), 250);
    this.#timer.unref();
  }

  item(index: number, ok: boolean, count: number): void {
    this.done += count;
    if (!ok) this.failed += count;
    if (this.#report === undefined) return;
    this.#partial.delete(index);
    this.#tick();
  }

  /** Consecutive items that went well. */
  items(first: number, count: number): void {
    this.done += count;
    if (this.#report === undefined) return;
    if (this.#partial.size > 0) for (let i = 0; i < count; i++) this.#partial.delete(first + i);
    this.#tick();
  }

  /** What a task says of itself. */
  partial(index: number, done: number, total: number | undefined): void {
    if (this.#report === undefined || total === undefined || !(total > 0)) return;
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
    const now = performance.now();
    const rate = this.#rate(now);
    const stats = this.#stats();
    let whole = this.done;
    for (const part of this.#partial.values()) whole += part;
    const { total } = this;
    return {
      done: this.done,
      failed: this.failed,
      total,
      fraction: total === undefined ? undefined : total === 0 ? 1 : whole / total,
      running: this.#running(),
      workers: stats.workers,
      busy: stats.busy,
      elapsed: now - this.#begun,
      rate,
      remaining: total === undefined || rate === 0 ? undefined : ((total - whole) / rate) * 1000,
    };
  }

  #tick(): void {
    const now = performance.now();
    if (now - this.#last < INTERVAL || this.#timer === undefined) return;
    this.#last = now;
    this.#samples.push({ at: now, done: this.done });
    while (this.#samples.length > 2 && now - this.#samples[0]!.at > RATE_SPAN) this.#samples.shift();
    this.#tell();
  }

  /** What the report throws is the operation's failure: it is called from a timer or a worker's message. */
  #tell(): void {
    try {
      this.#report?.(this.progress());
    } catch (error) {
      this.#failed(error);
    }
  }

  #rate(now: number): number {
    const first = this.#samples[0];
    const since = first === undefined || now - first.at < INTERVAL ? { at: this.#begun, done: 0 } : first;
    const span = now - since.at;
    return span > 0 ? ((this.done - since.done) / span) * 1000 : 0;
  }
}

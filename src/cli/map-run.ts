import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Batches, type Pool, type Progress } from '../api/index.js';
import type { MapSettings } from './command-line.js';
import type { Ledger } from './ledger.js';
import type { RecordReader } from './records.js';
import type { Reporter } from './reporter.js';
import type { Answer, Item } from './user-module.js';

interface Place {
  readonly index: number;
  readonly file: string;
  readonly number: number;
}

export interface MapRunSpec {
  readonly settings: MapSettings;
  readonly pool: Pool;
  readonly reader: RecordReader;
  readonly fn: (item: Item, position: number) => Answer | Promise<Answer>;
  readonly ledger: Ledger;
  readonly reporter: Reporter;
  readonly signal: AbortSignal;
}

/** Takes every record that is not done through the pool, and its outcome to the ledger. */
export class MapRun {
  readonly #spec: MapRunSpec;
  /** Records in flight by their position in the pool's operation. */
  readonly #flying = new Map<number, Place>();
  #sent = 0;
  #landed = 0;
  #last: Progress | undefined;
  /** True where --halt ended it. */
  halted = false;

  constructor(spec: MapRunSpec) {
    this.#spec = spec;
  }

  /** Ends when all records are done, or at the first failure with --halt. @throws what stopped it. */
  async run(): Promise<void> {
    const { pool, fn, settings, ledger, signal } = this.#spec;
    const outcomes = pool.stream(new Batches(this.#batches()), fn, {
      ordered: !settings.unordered,
      onError: 'settle',
      onProgress: (progress) => {
        this.#last = progress;
        this.report();
      },
      ...(settings.timeout === undefined ? {} : { timeout: settings.timeout }),
      retries: settings.retries,
      signal,
    });
    for await (const outcome of outcomes) {
      signal.throwIfAborted();
      if (!this.#settle(outcome)) {
        this.halted = true;
        return;
      }
      const room = ledger.room();
      if (room !== undefined) await untilAborted(room, signal);
    }
    signal.throwIfAborted();
  }

  /** Tells how far it is; the pool's own last word comes before its last outcomes are in the ledger. */
  report(): void {
    if (this.#last !== undefined) this.#spec.reporter.progress(this.#progress(this.#last));
  }

  async *#batches(): AsyncGenerator<Item[]> {
    const { reader, ledger } = this.#spec;
    let index = 0;
    for await (const records of reader.records()) {
      const batch: Item[] = [];
      for (const { file, number, content } of records) {
        const place = { index, file, number };
        index += 1;
        if (ledger.done.has(place.index)) continue;
        this.#flying.set(this.#sent, place);
        this.#sent += 1;
        batch.push({ index: place.index, ...content });
      }
      yield batch;
    }
  }

  /** False where the run has to halt. */
  #settle(outcome: PromiseSettledResult<Answer>): boolean {
    const { ledger, settings, reporter } = this.#spec;
    const place = this.#land(outcome);
    let error: unknown;
    if (outcome.status === 'fulfilled') {
      try {
        ledger.add(place.index, outcome.value[1]);
        return true;
      } catch (cause) {
        error = cause;
      }
    } else error = outcome.reason;
    reporter.line(`${place.file}:${place.number}: ${describe(error)}`);
    if (settings.halt) return false;
    ledger.fail(place.index);
    return true;
  }

  /** Whose outcome it is. In order it is the next one's; else a result says so itself, and an error by its task. */
  #land(outcome: PromiseSettledResult<Answer>): Place {
    const position = !this.#spec.settings.unordered
      ? this.#landed++
      : outcome.status === 'fulfilled'
        ? outcome.value[0]
        : (outcome.reason as { task?: { index: number } }).task?.index;
    const place = position === undefined ? undefined : this.#flying.get(position);
    if (place === undefined) {
      throw new Error(`an outcome belongs to no record in flight: ${JSON.stringify(outcome)}`);
    }
    this.#flying.delete(position!);
    return place;
  }

  /** The pool knows neither what was done before it began nor how long the inputs are. */
  #progress(progress: Progress): Progress {
    const { reader, ledger } = this.#spec;
    const done = ledger.done.size;
    const total = reader.ended ? reader.count : undefined;
    const expected = total ?? expectedCount(reader);
    const fraction = expected === undefined ? undefined : expected === 0 ? 1 : Math.min(1, done / expected);
    const left = expected === undefined ? undefined : Math.max(0, expected - done);
    const remaining = left === undefined || progress.rate === 0 ? undefined : (left / progress.rate) * 1000;
    return { ...progress, done, failed: ledger.failed, total, fraction, remaining };
  }
}

/** By the length of the records so far. */
function expectedCount({ bytes, bytesUsed, count }: RecordReader): number | undefined {
  return bytes === undefined || bytesUsed === 0 ? undefined : Math.max(count, (count / bytesUsed) * bytes);
}

function untilAborted(promise: Promise<void>, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(signal.reason as Error);
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}

/** Name, message, causes and the user's line, on one line. */
export function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const texts: string[] = [];
  for (let at: unknown = error, depth = 0; at instanceof Error && depth < 4; at = at.cause, depth++) {
    texts.push(`${at.name}: ${at.message.replace(/\s*\n\s*/g, ' ')}`);
  }
  const place = placeIn(error.stack ?? '');
  return `${texts.join(', caused by ')}${place === undefined ? '' : ` (${place})`}`;
}

function placeIn(stack: string): string | undefined {
  for (const line of stack.split('\n')) {
    const [, url, position] = /^\s+at .*?\(?((?:file:\/\/)?\/[^()]*?):(\d+:\d+)\)?$/.exec(line) ?? [];
    if (url === undefined) continue;
    const path = url.startsWith('file:') ? fileURLToPath(url) : url;
    const near = relative('', path);
    return `${near.startsWith('..') ? path : near}:${position}`;
  }
  return undefined;
}

/**
 * The engine room of `map`, `stream`, `forEach` and `reduce`: has the input read and packed, keeps a bounded window in
 * flight, tries again what failed, and hands outcomes over as they come.
 *
 * States: feeding → drained (input at its end) → over. Where what comes before a failure is still wanted, that
 * failure leads to failing, in which only items before it count, and then to over. `#fail` and `cancel` lead to over
 * from anywhere; after that nothing is handed over any more.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import { type Packed, Packer } from '../codec/index.js';
import type { EngineOperation, JobLimits, JobSink, JobTicket, Ran, StreamEvent } from '../engine/index.js';
import { type Batch, type Column, type Items, partOf } from '../transport/index.js';
import { taskId } from '../worker/index.js';
import { onAbort } from './abort.js';
import { Attempts } from './attempts.js';
import type { ChunkFiller } from './chunk-filler.js';
import { Chunker } from './chunker.js';
import { attribute, attributeFault } from './failure.js';
import { Feeder } from './feeder.js';
import { Flights } from './flights.js';
import { Inline } from './inline.js';
import { inlineRefusal } from './inline-refusal.js';
import { isPlain } from './input.js';
import type { ItemReceiver, ItemRunSpec } from './item-run-spec.js';
import { Ledger } from './ledger.js';
import { Meter } from './meter.js';
import type { MapOptions } from './options.js';
import { limitsLeft, limitsOf, nextTask, randomSeed, sendPending } from './pool-core.js';
import type { RawFiller } from './raw-filler.js';
import { ResultStream } from './result-stream.js';
import { boundRetries, mayTryAgain, retryDelay } from './retry.js';
import { Turns } from './turns.js';
import { valuesOf } from './values.js';
import { CHUNKS_AHEAD, windowOf } from './window.js';

const FUNCTION = { exact: true, label: 'fn' };
const AROUND = { exact: true, label: 'fn', parts: ['name', 'fn', 'data'] };

interface Chunk {
  readonly items: Items;
  readonly base: number;
  readonly task: number;
  /** When it was first sent, in ms. */
  readonly sentAt: number;
  open: number;
}

export class ItemRun {
  readonly #spec: ItemRunSpec;
  readonly #receiver: ItemReceiver;
  readonly #feeder: Feeder;
  readonly #workers: number;
  readonly #chunker: Chunker;
  readonly #limits: JobLimits;
  readonly #meter: Meter;
  readonly #inline: Inline;
  readonly #ledger = new Ledger();
  readonly #report: MapOptions['explain'];
  /** Of calls that run here: in between, nothing is read. */
  readonly #turns = new Turns(() => this.#goOn());
  readonly #retries: MapOptions['retries'];
  readonly #attempts = new Attempts();
  readonly #flights = new Flights();
  readonly #streams = new Map<number, ResultStream>();
  #operation: EngineOperation | undefined;
  #told = 0;
  #chunks = 0;
  /** Items handed over that the reader has not taken yet. */
  #unread = 0;
  /** The failure of the first item that is known to have failed, while those before it are waited for. */
  #failing: { readonly index: number; readonly error: unknown } | undefined;
  #over = false;
  #forgetSignal: (() => void) | undefined;

  constructor(spec: ItemRunSpec, receiver: ItemReceiver) {
    this.#spec = spec;
    this.#retries = boundRetries(spec.options.retries);
    this.#receiver = receiver;
    this.#feeder = new Feeder(spec.items, spec.pieces?.length, {
      engine: spec.core.engine,
      room: () => this.#room,
      size: (remaining) => this.#chunker.next(remaining),
      submit: (filler) => this.#submitChunk(filler),
      raw: () => (this.#inline.active ? this.#inline.size : 0),
      take: (filler) => this.#runHere(filler),
      refused: (index, error) => this.#tell(index, false, error, undefined, 1),
      failed: (error) => this.#fail(error),
      rests: () => this.#endIfDone(),
    });
    this.#workers = spec.pinned >= 0 ? 1 : spec.core.engine.size;
    this.#limits = limitsOf(spec.options);
    const waits = this.#limits.queueTimeout !== undefined || this.#limits.deadline !== undefined;
    this.#chunker = new Chunker(waits ? 1 : (spec.options.chunk ?? 'auto'), this.#workers);
    const { core, fn } = spec;
    this.#inline = new Inline({
      fn,
      workers: this.#workers,
      assets: core.assets,
      refusal: inlineRefusal(spec),
    });
    const { explain, onProgress: report } = spec.options;
    this.#report = explain === undefined ? undefined : AsyncLocalStorage.bind(explain);
    const { pieces } = spec;
    this.#meter = new Meter({
      total: pieces === undefined ? this.#feeder.length : pieces.total,
      report: report === undefined ? undefined : (AsyncLocalStorage.bind(report) as typeof report),
      stats: () => spec.core.engine.stats(),
      running: () => (pieces === undefined ? this.#feeder.next - this.#told : pieces.read - this.#meter.done),
      runningSince: () => this.#flights.runningSince,
      failed: (error) => this.#fail(error),
    });
  }

  /** Packs the function and begins; what cannot travel is told as a failure. */
  start(): void {
    const { core, fn, options, kind, pinned, around } = this.#spec;
    const { signal } = options;
    this.#meter.start();
    if (signal?.aborted === true) return this.#fail(signal.reason);
    try {
      core.engine.expect(pinned < 0 ? (this.#feeder.length ?? this.#workers) : 1, pinned);
      const packer = new Packer({ ...(around === undefined ? FUNCTION : AROUND), apart: core.engine.apart });
      packer.item(around === undefined ? fn : [around.name, fn, around.data]);
      const packed = packer.finish();
      this.#inline.begin(packed);
      this.#operation = core.engine.operation({
        kind,
        seed: options.seed ?? randomSeed(),
        seeded: options.seed !== undefined,
        timed: options.timeout !== undefined,
        unboundedStreams: true,
        quiet: this.#isQuiet,
        fn: packed,
      });
    } catch (error) {
      return this.#fail(error);
    }
    if (signal !== undefined) this.#forgetSignal = onAbort(signal, () => this.#fail(signal.reason));
    this.#feeder.feed();
  }

  /** Nobody sees an outcome before the end, and no small window waits for single items. */
  get #isQuiet(): boolean {
    const { onProgress, window } = this.#spec.options;
    return this.#receiver.reads !== true && onProgress === undefined && window === undefined;
  }

  /** The reader took `count` outcomes. */
  read(count: number): void {
    this.#unread -= count;
    this.#feeder.feed();
  }

  /** Gives up quietly: nothing more is told. */
  cancel(reason: unknown): void {
    if (this.#over) return;
    this.#stop(reason);
    this.#explainQuietly();
  }

  // ---- feeding ------------------------------------------------------------------------------------------------

  get #window(): number {
    const { items, options } = this.#spec;
    if (options.window !== undefined) return options.window;
    return windowOf({
      workers: this.#workers,
      chunk: options.chunk,
      cost: this.#chunker.cost,
      isList: isPlain(items),
      reads: this.#receiver.reads === true,
      inline: this.#inline.active,
    });
  }

  get #room(): number {
    if (
      this.#over ||
      this.#chunks >= CHUNKS_AHEAD * this.#workers ||
      (this.#inline.active && this.#turns.wait())
    )
      return 0;
    const room = this.#window - (this.#feeder.next - this.#told) - this.#unread;
    // A full queue refuses an operation that has nothing in flight, and holds back one that has.
    const { engine } = this.#spec.core;
    return Math.min(room, this.#chunks === 0 ? Math.max(1, engine.room()) : engine.room());
  }

  #submitChunk(filler: ChunkFiller): void {
    const { count, base, begunAt } = filler;
    if (this.#over) return;
    if (isPlain(this.#spec.items)) this.#inline.packed(count, performance.now() - begunAt);
    const items = filler.finish();
    const results = this.#inline.active ? this.#inline.runPacked(items, base) : [];
    this.#ranHere(base, results);
    const open = count - results.length;
    if (open === 0 || this.#over) return;
    this.#ledger.chunk(open);
    this.#chunks += 1;
    const chunk: Chunk = { items, base, task: nextTask(), sentAt: performance.now(), open };
    this.#submit(chunk, results.length, open, 1, 0);
  }

  /** A block of items in this thread; what fails there, or cannot run there, is for a worker. */
  #runHere({ values, base }: RawFiller): void {
    const done = this.#inline.runRaw(values, base);
    const rest = values.splice(done);
    this.#ranHere(base, values);
    if (rest.length > 0 && !this.#over) this.#feeder.pack(rest, base + done);
  }

  #ranHere(base: number, values: unknown[]): void {
    if (values.length === 0 || this.#over) return;
    this.#spec.core.engine.ranHere!(values.length);
    this.#settleMany(base, values);
  }

  #submit(chunk: Chunk, from: number, count: number, attempt: number, delay: number): void {
    const { core, options, pinned } = this.#spec;
    let open = count;
    let ticket: JobTicket | undefined;
    const sink = this.#sink(chunk, attempt, (items = 1) => {
      open -= items;
      if (open === 0 && ticket !== undefined) this.#flights.delete(ticket);
    });
    // What was called first goes first.
    sendPending(core);
    ticket = core.engine.submit({
      operation: this.#operation!,
      name: options.name,
      task: chunk.task,
      first: from,
      items: chunk.items,
      from,
      count,
      base: chunk.base + from,
      attempt,
      priority: options.priority ?? 0,
      pinned,
      chunkLimit: this.#chunker.limit,
      delay,
      limits: attempt === 1 ? this.#limits : limitsLeft(this.#limits, performance.now() - chunk.sentAt),
      keepsParts: mayTryAgain(this.#retries),
      accepted: false,
      internal: attempt > 1,
      skipped: undefined,
      sink,
    });
    if (open > 0) this.#flights.add(ticket, chunk.base + from);
  }

  // ---- outcomes -----------------------------------------------------------------------------------------------

  #sink(chunk: Chunk, attempt: number, told: (items?: number) => void): JobSink {
    const { core, site, pieces } = this.#spec;
    const origin = (index: number, ran: Ran | undefined) => {
      const span = pieces?.span(index);
      return {
        id: taskId(chunk.task, index - chunk.base),
        index: span?.first ?? index,
        ...(span !== undefined && pieces?.ranges === true ? { to: span.first + span.count } : {}),
        worker: ran?.worker ?? -1,
        attempt,
      };
    };
    const settle = (index: number, ok: boolean, value: unknown): void => {
      if (this.#over) return;
      this.#tell(index, ok, value, chunk, attempt);
    };
    const decode = (index: number, failed: boolean, body: Packed, ran: Ran): void =>
      core.decode(
        body,
        (value) => settle(index, !failed, failed ? attribute(value, site, origin(index, ran)) : value),
        (error) => settle(index, false, error),
      );
    return {
      result: (index, failed, body, ran) => {
        told();
        if (!this.#over) decode(index, failed, body, ran);
      },
      results: (first, batch) => {
        told(batch.count);
        if (!this.#over) this.#tellMany(first, batch, chunk);
      },
      fault: (index, error, ran) => {
        told();
        settle(index, false, attributeFault(error, site, origin(index, ran)));
      },
      stream: (index, event, ran) => {
        if (event.step === 'end' || event.step === 'error') told();
        if (!this.#over)
          this.#streamed(index, event, chunk, (value) => attribute(value, site, origin(index, ran)));
      },
      progress: (index, done, total) => this.#meter.partial(index, done, total),
      measured: (count, elapsed) => {
        this.#chunker.measured(count, elapsed);
        this.#ledger.measured(count, elapsed);
        this.#inline.measured(count, elapsed);
      },
    };
  }

  /** Generator results of a map arrive whole before the item counts as done; their reader iterates them later. */
  #streamed(index: number, event: StreamEvent, chunk: Chunk, attributed: (error: unknown) => unknown): void {
    if (event.step === 'open') {
      this.#streams.set(index, new ResultStream({ credit: () => {}, cancel: () => {} }));
      return;
    }
    const stream = this.#streams.get(index);
    if (stream === undefined) return;
    if (event.step === 'end') {
      stream.end();
      this.#streams.delete(index);
      this.#tell(index, true, stream, chunk, 1);
      return;
    }
    const { step } = event;
    this.#spec.core.decode(
      event.body,
      (value) => {
        if (step === 'value') return stream.value(value);
        stream.fail(attributed(value));
        this.#streams.delete(index);
        this.#tell(index, true, stream, chunk, 1);
      },
      (error) => this.#tell(index, false, error, chunk, Number.POSITIVE_INFINITY),
    );
  }

  /** One item is settled, or goes for another attempt. */
  #tell(index: number, ok: boolean, value: unknown, chunk: Chunk | undefined, attempt: number): void {
    if (this.#over || index >= this.#end) return;
    if (!ok && chunk !== undefined) {
      try {
        if (this.#tryAgain(index, value, chunk, attempt)) return;
      } catch (error) {
        return this.#fail(error);
      }
    }
    const outcome = this.#attempts.settled(index, ok, value, attempt);
    this.#told += 1;
    if (chunk !== undefined) this.#settled(chunk, 1);
    const { pieces } = this.#spec;
    this.#meter.item(index, ok, pieces?.span(index).count ?? 1);
    pieces?.settled?.(index);
    if (this.#over) return;
    if (!ok && this.#spec.options.onError !== 'settle') return this.#failAt(index, outcome);
    this.#unread += 1;
    this.#receiver.outcome(index, ok, outcome);
    this.#goOn();
  }

  /** As `#tell` for consecutive items that went well, with one look at what follows from it. */
  #tellMany(first: number, batch: Batch, chunk: Chunk): void {
    const count = Math.min(batch.count, this.#end - first);
    if (count <= 0) return;
    const begun = performance.now();
    const part = partOf(batch, 0, count);
    let values: unknown[] | Column;
    try {
      const asIs = part.kind === 'column' && this.#receiver.column !== undefined;
      values = asIs ? part : valuesOf(part, this.#spec.core.assets);
    } catch (error) {
      return this.#fail(error);
    }
    this.#inline.unpacked(count, performance.now() - begun);
    this.#settled(chunk, count);
    this.#settleMany(first, values);
    this.#goOn();
  }

  #settled(chunk: Chunk, count: number): void {
    chunk.open -= count;
    if (chunk.open > 0) return;
    this.#chunks -= 1;
    this.#feeder.reuse(chunk.items);
  }

  #settleMany(first: number, values: unknown[] | Column): void {
    const count = Array.isArray(values) ? values.length : values.count;
    this.#attempts.over(first, count);
    this.#told += count;
    const { pieces } = this.#spec;
    if (pieces === undefined) this.#meter.items(first, count);
    else {
      for (let i = 0; i < count; i++) {
        this.#meter.item(first + i, true, pieces.span(first + i).count);
        pieces.settled?.(first + i);
      }
    }
    // A report that throws ends the operation.
    if (this.#over) return;
    this.#unread += count;
    if (Array.isArray(values)) this.#receiver.outcomes(first, values);
    else this.#receiver.column!(first, values);
  }

  #goOn(): void {
    if (this.#over) return;
    if (this.#failing !== undefined) this.#awaitEarlier();
    else this.#feeder.feed();
  }

  /** @throws what `retries.when` and `retries.delay` throw */
  #tryAgain(index: number, error: unknown, chunk: Chunk, attempt: number): boolean {
    const { deadline } = this.#limits;
    if (deadline !== undefined && performance.now() - chunk.sentAt >= deadline) return false;
    const { core } = this.#spec;
    const delay = retryDelay(this.#retries, error, attempt);
    if (delay === undefined || this.#over) return false;
    try {
      this.#submit(chunk, index - chunk.base, 1, attempt + 1, delay);
    } catch {
      // The pool was stopped meanwhile: the task's own error says more.
      return false;
    }
    this.#attempts.failed(index, error);
    core.retried += 1;
    return true;
  }

  #endIfDone(): void {
    const { drained, feeding, next, error } = this.#feeder;
    if (this.#over || this.#failing !== undefined || !drained || feeding || this.#told < next) return;
    if (error !== undefined) return this.#fail(error.error);
    this.#meter.finish();
    // The last report may have failed, or aborted.
    if (this.#over) return;
    this.#over = true;
    this.#release();
    try {
      this.#explain();
    } catch (thrown) {
      return this.#receiver.failed(thrown);
    }
    this.#receiver.ended(next);
  }

  /** Items from here on do not count. */
  get #end(): number {
    return this.#failing === undefined ? Number.POSITIVE_INFINITY : this.#failing.index;
  }

  /** An item has failed for good: the end, at once or once the items before it are told. */
  #failAt(index: number, error: unknown): void {
    if (this.#receiver.missing === undefined) return this.#fail(error);
    this.#failing = { index, error };
    this.#feeder.stop();
    this.#awaitEarlier();
  }

  #awaitEarlier(): void {
    const { index, error } = this.#failing!;
    const missing = (from: number): boolean => this.#receiver.missing!(from, index);
    if (!missing(0)) return this.#fail(error);
    this.#flights.cancelFrom(index, missing, error);
  }

  #fail(error: unknown): void {
    if (this.#over) return;
    this.#stop(error);
    this.#explainQuietly();
    this.#receiver.failed(error);
  }

  #stop(reason: unknown): void {
    if (this.#over) return;
    this.#over = true;
    this.#meter.stop();
    this.#release();
    this.#feeder.stop();
    this.#flights.cancel(reason);
  }

  #explainQuietly(): void {
    try {
      this.#explain();
    } catch {
      // Why the operation ended says more.
    }
  }

  #explain(): void {
    this.#report?.(this.#ledger.explanation(this.#meter.done, this.#workers, this.#inline));
  }

  #release(): void {
    this.#operation?.close();
    this.#forgetSignal?.();
  }
}

/** Workers as threads of this process. */
import { pathToFileURL } from 'node:url';
import { MessageChannel, Worker } from 'node:worker_threads';
import type { AssetStore } from '../codec/index.js';
import { EngineError } from '../errors.js';
import { createSegment, HEADER_WORDS, RingReader, RingWriter, Segment } from '../memory/index.js';
import {
  JOB_DOUBLES,
  type JobHead,
  Link,
  type Numbers,
  PROTOCOL_VERSION,
  RECORD_COLUMN_JOB,
  RECORD_JOB,
  type RecordHead,
  type ToParent,
  type ToWorker,
  toWire,
} from '../protocol/index.js';
import { clockOrigin } from '../util/clock.js';
import { outside } from '../util/outside.js';
import { threadEntry } from '../util/own-folder.js';
import type { WorkerSetup } from '../worker/index.js';
import { Inbox } from './inbox.js';
import {
  type Items,
  isMoved,
  partsOf,
  type WorkerEvents,
  type WorkerHandle,
  type WorkerSpec,
} from './transport.js';

const EVAL = /^(?:-e|-p|-pe|--eval|--print|--input-type)(?:=|$)/;
/** Flags that a thread may have and that matter to the user's modules. */
const KEPT =
  /^(?:--import|--require|-r|--loader|--experimental-loader|--conditions|-C|--enable-source-maps|--no-warnings)(?:=|$)/;

/**
 * Undefined for this process's own flags, which threads have by default. Under `node -e` those would make the worker run
 * the text again: then only flags about loading modules are kept.
 */
function inheritedFlags(): string[] | undefined {
  const { execArgv } = process;
  if (!execArgv.some((flag) => EVAL.test(flag))) return undefined;
  const kept: string[] = [];
  for (let i = 0; i < execArgv.length; i++) {
    const flag = execArgv[i]!;
    if (!KEPT.test(flag)) continue;
    kept.push(flag);
    const next = execArgv[i + 1];
    if (!flag.includes('=') && next !== undefined && !next.startsWith('-')) kept.push(next);
  }
  return kept;
}

export function startThread(spec: WorkerSpec, events: WorkerEvents, assets: AssetStore): WorkerHandle {
  return outside(() => new ThreadHandle(spec, events, assets));
}

class ThreadHandle implements WorkerHandle {
  readonly #buffers = createSegment();
  readonly #segment = new Segment(this.#buffers);
  readonly #channel = new MessageChannel();
  readonly #events: WorkerEvents;
  readonly #link: Link<ToWorker, ToParent>;
  readonly #inbox: Inbox;
  #worker: Worker | undefined;
  #clockOffset = 0;
  #error: unknown;
  #exited = false;
  #stopRequested = false;

  constructor(spec: WorkerSpec, events: WorkerEvents, assets: AssetStore) {
    this.#events = events;
    this.#link = new Link<ToWorker, ToParent>(
      {
        port: this.#channel.port1,
        writer: new RingWriter(this.#segment.submission),
        reader: new RingReader(this.#segment.completion),
        own: this.#segment.parentBell,
        peer: this.#segment.workerBell,
      },
      (message) => this.#inbox.handle(message),
    );
    this.#inbox = new Inbox(this.#link, this.#segment, events, assets, (version, clock) =>
      this.#onReady(version, clock),
    );
    this.#channel.port1.on('message', (message: ToParent) => this.#inbox.message(message));
    this.#channel.port1.unref();
    this.#inbox.drain();
    const entry = threadEntry();
    if (entry !== undefined) this.#start(spec, pathToFileURL(entry));
    else this.#startInlined(spec);
  }

  #start(spec: WorkerSpec, entry: URL | string): void {
    if (this.#stopRequested) return this.#exit(0);
    const init = spec.init === undefined ? undefined : toWire(spec.init, new Set());
    const setup: WorkerSetup = {
      version: PROTOCOL_VERSION,
      worker: spec.worker,
      workers: spec.workers,
      concurrency: spec.tasksPerWorker,
      segment: this.#buffers,
      port: this.#channel.port2,
      init,
    };
    const execArgv = spec.execArgv ?? inheritedFlags();
    const worker = new Worker(entry, {
      eval: typeof entry === 'string',
      workerData: { simul: setup },
      transferList: [this.#channel.port2],
      name: spec.name,
      ...(spec.maxHeapMiB === undefined
        ? {}
        : { resourceLimits: { maxOldGenerationSizeMb: spec.maxHeapMiB } }),
      ...(spec.env === undefined ? {} : { env: spec.env }),
      ...(execArgv === undefined ? {} : { execArgv: [...execArgv] }),
    });
    this.#worker = worker;
    worker.unref();
    worker.on('error', (error) => {
      this.#error = error;
    });
    worker.on('messageerror', (error) => this.#fail(error));
    this.#channel.port1.on('messageerror', (error) => this.#fail(error));
    worker.once('exit', (code) => this.#exit(code));
  }

  /** A bundle holds no entry file: the worker is started from its source, which the bundle holds as text. */
  #startInlined(spec: WorkerSpec): void {
    import('../thread-source.js').then(
      ({ source }) => this.#start(spec, source),
      (error: unknown) => {
        this.#error = new EngineError('the code of the worker is neither a file nor part of the bundle', {
          cause: error,
        });
        this.#exit(undefined);
      },
    );
  }

  #fail(error: unknown): void {
    this.#error ??= new EngineError('a message of the worker could not be read', { cause: error });
    this.terminate();
  }

  #onReady(version: number, clock: number): void {
    if (version !== PROTOCOL_VERSION) {
      this.#error = new EngineError(`the worker speaks version ${version}, this pool ${PROTOCOL_VERSION}`);
      this.terminate();
      return;
    }
    this.#clockOffset = clock - clockOrigin();
    this.#events.ready();
  }

  #exit(code: number | undefined): void {
    if (this.#exited) return;
    this.#inbox.drainAll();
    this.#exited = true;
    this.#channel.port1.close();
    this.#events.exit({ code, error: this.#error });
  }

  send(message: ToWorker, transfer?: readonly unknown[]): void {
    if (!this.#exited) this.#link.send(message, transfer);
  }

  tryPost(slot: number, head: JobHead, items: Items, from: number): boolean {
    const { packed, offsets, column } = items;
    if (column !== undefined)
      return this.#tryPostColumn(slot, head, column.subarray(from, from + head.count));
    const start = offsets[from]!;
    const length = offsets[from + head.count]! - start;
    const table = ((head.count + 2) >> 1) * 8;
    const size = JOB_DOUBLES * 8 + table + length;
    const { ring } = this.#link.writer;
    if (packed.extras.length > 0 || size > ring.largest) {
      const fetch = from + head.count === offsets.length - 1 && packed.extras.some(isMoved);
      const extras = packed.extras.map((extra) => (isMoved(extra) ? undefined : extra));
      this.send({ type: 'job', slot, head, ...partsOf(items, from, head.count), extras, fetch });
      return true;
    }
    const words = this.#reserveJob({ kind: RECORD_JOB, slot, index: 0 }, head, size);
    if (words < 0) return false;
    for (let i = 0; i <= head.count; i++) ring.words[words + i] = offsets[from + i]! - start;
    const whole = start === 0 && length === packed.bytes.byteLength;
    ring.bytes.set(whole ? packed.bytes : packed.bytes.subarray(start, start + length), words * 4 + table);
    return true;
  }

  #tryPostColumn(slot: number, head: JobHead, column: Numbers): boolean {
    const { ring } = this.#link.writer;
    const size = JOB_DOUBLES * 8 + column.byteLength;
    if (size > ring.largest) {
      const offsets = new Uint32Array(0);
      const bytes = new Uint8Array(0);
      this.send({
        type: 'job',
        slot,
        head,
        offsets,
        bytes,
        extras: [],
        column: column.slice(),
        fetch: false,
      });
      return true;
    }
    const record = { kind: RECORD_COLUMN_JOB, slot, index: column.BYTES_PER_ELEMENT };
    const words = this.#reserveJob(record, head, size);
    if (words < 0) return false;
    // What came in a message may belong to another realm than this module: it is no instance of any class here.
    if (record.index === 4) ring.words.set(column, words);
    else ring.doubles.set(column, words >> 1);
    return true;
  }

  /** Reserves a job's record and writes its head; the index of the word behind it, or -1 where there is no room now. */
  #reserveJob(record: RecordHead, head: JobHead, size: number): number {
    const at = this.#link.reserve(record, size);
    if (at < 0) return -1;
    const { doubles } = this.#link.writer.ring;
    let d = (at + HEADER_WORDS) >> 1;
    doubles[d++] = head.operation;
    doubles[d++] = head.base;
    doubles[d++] = head.count;
    doubles[d++] = head.attempt;
    doubles[d++] = head.limit;
    doubles[d++] = head.task;
    doubles[d++] = head.first;
    return d << 1;
  }

  flush(expected: number | undefined): void {
    if (this.#exited) return;
    this.#link.publish();
    this.#inbox.expect(expected);
  }

  look(): void {
    this.#inbox.look();
  }

  openSlot(slot: number): void {
    this.#segment.openSlot(slot);
  }

  close(slot: number): number {
    return this.#segment.close(slot);
  }

  started(slot: number): number {
    return this.#segment.started(slot);
  }

  startedAt(slot: number): number {
    const time = this.#segment.startedAt(slot);
    return time === 0 ? 0 : this.toLocalTime(time);
  }

  isOver(slot: number): boolean {
    return this.#segment.isOver(slot);
  }

  requestCancel(slot: number, item: number): void {
    this.#segment.requestCancel(slot, item);
  }

  toLocalTime(time: number): number {
    return time + this.#clockOffset;
  }

  terminate(): void {
    this.#stopRequested = true;
    void this.#worker?.terminate();
  }
}

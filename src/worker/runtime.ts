/**
 * The loop inside a worker.
 *
 *   port messages ──▶ assets, operations, control ─┐
 *   submission ring ─▶ jobs ─▶ JobRun ─▶ user code ─┴─▶ Outbox ─▶ completion ring / port
 *
 * Jobs are taken from the ring only while fewer than `concurrency` run (tasks that wait for the pool itself do
 * not count). What has been posted and not taken can be taken back by the parent at any time: each item is
 * claimed in shared memory before it starts. After `TURN` ms of synchronous work the event loop gets a turn.
 */
import {
  AssetStore,
  ClassScope,
  type Packed,
  packError,
  prepare,
  prepareAssets,
  staysWithSender,
  unpack,
  unpacker,
} from '../codec/index.js';
import { EngineError } from '../errors.js';
import { RingReader, RingWriter, Segment } from '../memory/index.js';
import {
  fromWire,
  type ItemTimes,
  type JobHead,
  Link,
  type NestedReply,
  type NestedRequest,
  type Numbers,
  PROTOCOL_VERSION,
  RingPort,
  type ToParent,
  type ToWorker,
  takeJobRecord,
  type WirePacked,
} from '../protocol/index.js';
import { clockOrigin } from '../util/clock.js';
import { ClaimWaits } from './claim-waits.js';
import { captureOutput } from './console.js';
import { TaskContext, type TaskHost, type Waits } from './context.js';
import { type AnyGenerator, type JobHost, type JobItems, JobRun, type Manner } from './job-run.js';
import { type Operation, Operations } from './operations.js';
import { learn, Outbox } from './outbox.js';
import { Parking } from './parking.js';
import { WorkerRefs } from './refs.js';
import { Streams } from './streams.js';
import { disposeLocals } from './worker-local.js';
import type { WorkerSetup } from './worker-setup.js';

/** Longest run of synchronous jobs between two turns of the event loop, in ms. */
const TURN = 10;

/** More than the calls that are ever given as one: a random stream for each. */
const CALLS_AT_ONCE = 4096;

export class WorkerRuntime implements JobHost, TaskHost {
  /** Its number in the pool; below 0 while it is in reserve. */
  worker: number;
  readonly workers: number;
  readonly apart: boolean;
  readonly segment: Segment;
  readonly columns: boolean;
  readonly assets = new AssetStore();
  readonly refs = new WorkerRefs(
    (request) => this.request(request),
    () => this.#hear(),
  );
  readonly outbox: Outbox;
  readonly #setup: WorkerSetup;
  readonly #link: Link<ToParent, ToWorker>;
  /** Assets that the pool holds: named by hash in all that is sent to it. */
  readonly known = new Set<string>();
  readonly #operations = new Operations(this.assets);
  readonly #streams: Streams;
  readonly #parking: Parking;
  readonly #running = new Map<number, JobRun>();
  /** Jobs that came by message, and how many messages had come with them. */
  readonly #large: { readonly job: Extract<ToWorker, { type: 'job' }>; readonly number: number }[] = [];
  #waiting = 0;
  readonly #claims: ClaimWaits;
  #preparing: Promise<void> | undefined;
  #pumpPlanned = false;
  #ready = false;
  #stopping = false;
  /** Where answers to this worker's own calls go; set by the engine that makes them. */
  onReply: ((reply: NestedReply) => void) | undefined;

  constructor(setup: WorkerSetup) {
    this.#setup = setup;
    this.worker = setup.worker;
    this.workers = setup.workers;
    this.apart = setup.apart;
    this.segment = setup.segment instanceof Segment ? setup.segment : new Segment(setup.segment);
    this.#claims = new ClaimWaits(this.segment);
    const { submission, completion, workerBell: own, parentBell: peer } = this.segment;
    const here = { writer: new RingWriter(completion), reader: new RingReader(submission), peer };
    const parts = { port: setup.port, own, ...(setup.mirror ?? here) };
    this.#link = new Link(parts, (message) => this.#take(message));
    this.columns = parts.writer.grows;
    this.#parking = new Parking({
      bell: this.segment.workerBell,
      reader: this.#link.reader,
      channel: setup.channel,
      hasMessages: () => this.#link.hasMessages || this.#claims.goOn(),
      takeMessages: () => this.#link.takeMessages() || this.#claims.goOn(),
      woken: () => this.#pump(),
    });
    this.outbox = new Outbox(this.#link, this.known, (slot) => this.segment.markOver(slot), setup.apart);
    this.assets.keeper = this.refs;
    this.#streams = new Streams({
      apart: setup.apart,
      wire: (packed) => this.outbox.wire(packed),
      send: (slot, index, part, transfer) =>
        this.outbox.message({ type: 'stream', slot, index, part }, transfer),
    });
  }

  async start(): Promise<void> {
    const { port, init, version } = this.#setup;
    captureOutput((stream, bytes) => this.outbox.output(stream, bytes));
    if (port instanceof RingPort) this.#parking.busy();
    else {
      port.on('message', (message: ToWorker) => {
        this.#link.arrived(message);
        this.#pump();
      });
    }
    try {
      if (version !== PROTOCOL_VERSION) {
        throw new EngineError(`the pool speaks version ${version}, this worker ${PROTOCOL_VERSION}`);
      }
      if (init !== undefined) await this.#runInit(init);
    } catch (error) {
      this.outbox.message({ type: 'failed', error: this.#packError(error) });
      return;
    }
    this.#ready = true;
    this.outbox.message({ type: 'ready', version: PROTOCOL_VERSION, clock: clockOrigin() });
    this.#pump();
  }

  async #runInit(init: WirePacked): Promise<void> {
    const packed = fromWire(init, this.assets);
    for (const asset of packed.assets) if (staysWithSender(asset)) this.known.add(asset.hash);
    await prepare(packed, this.assets);
    const fn = unpack(packed, this.assets, new ClassScope()) as () => unknown;
    this.assets.giveBack(packed.assets);
    await fn();
  }

  // ---- messages -------------------------------------------------------------------------------------------

  #take(message: ToWorker): void {
    switch (message.type) {
      case 'assets':
        learn(this.known, this.assets, message);
        this.#prepare(prepareAssets(message.assets, message.modules, this.assets));
        return;
      case 'drop':
        for (const hash of message.hashes) this.refs.drop(this.assets, hash);
        return;
      case 'ended':
        return this.refs.hear(this.assets, message.hash, message.how);
      case 'unlearn':
        for (const hash of message.hashes) this.known.delete(hash);
        this.outbox.message({ type: 'unlearned' });
        return;
      case 'operation':
        this.#operations.define(message.head, message.fn);
        return;
      case 'forget':
        this.#operations.forget(message.operation);
        return;
      case 'job':
        this.#large.push({ job: message, number: this.#link.received });
        return;
      case 'parts':
        this.#running.get(message.slot)?.fetched(message.parts);
        return;
      case 'cancel':
        this.#cancel(message.slot, message.item, message.reason);
        return;
      case 'credit':
        this.#streams.credit(message.slot, message.count);
        return;
      case 'reply':
        this.onReply?.(message.reply);
        return;
      case 'number':
        this.worker = message.worker;
        return;
      case 'measure':
        this.outbox.message({ type: 'memory', bytes: process.memoryUsage.rss() });
        return;
      case 'stop':
        void this.#stop();
        return;
      default:
        return message satisfies never;
    }
  }

  /** Imports of sent code are under way: jobs wait for all of them. A failed one fails where it is used. */
  #prepare(pending: Promise<void> | undefined): void {
    if (pending === undefined) return;
    const before = this.#preparing;
    const all = Promise.allSettled(before === undefined ? [pending] : [before, pending]).then(() => {
      if (this.#preparing === all) this.#preparing = undefined;
    });
    this.#preparing = all;
  }

  #cancel(slot: number, item: number, reason: WirePacked): void {
    const job = this.#running.get(slot);
    // The item may have ended meanwhile: the next one is not to pay for it.
    const runs = (): boolean =>
      job !== undefined && !job.context.over && (item < 0 || job.context.item === item);
    if (!runs()) return;
    this.#streams.stop(slot);
    const packed = fromWire(reason, this.assets);
    const abort = (): void => {
      if (runs()) job?.context.abort(this.#decode(packed));
      this.assets.giveBack(packed.assets);
    };
    // The reason's class may have to be imported first.
    const pending = prepare(packed, this.assets);
    if (pending === undefined) abort();
    else pending.then(abort, abort);
  }

  /** The value, or the error that keeps it from being one. */
  #decode(packed: Packed): unknown {
    try {
      return unpack(packed, this.assets, new ClassScope());
    } catch (error) {
      return error;
    }
  }

  async #stop(): Promise<void> {
    this.#stopping = true;
    this.outbox.message({ type: 'stopping' });
    await disposeLocals((error) => console.error('simul: disposing of a worker-local value failed:', error));
    this.outbox.message({ type: 'stopped' });
  }

  // ---- jobs -----------------------------------------------------------------------------------------------

  #pump(): void {
    if (!this.#ready || this.#pumpPlanned) return this.#listen();
    const begun = performance.now();
    const link = this.#link;
    let worked = false;
    for (;;) {
      if (this.#running.size - this.#waiting >= this.#setup.concurrency || this.#stopping) {
        // The end of a job looks at the ring again.
        return this.#parking.busy();
      }
      const header = link.reader.next();
      if (header >= 0) link.catchUp(header);
      const large = this.#large[0];
      if (large !== undefined && (header < 0 || link.sentBefore(large.number, header))) {
        const { slot, head, column, offsets, bytes, extras, fetch } = large.job;
        this.#large.shift();
        if (column === undefined) this.#begin(slot, head, offsets, bytes, extras, fetch);
        else this.#beginColumn(slot, head, column);
      } else if (header >= 0) this.#takeJob(header);
      else if (this.#findWork(worked)) continue;
      else return;
      worked = true;
      if (performance.now() - begun > TURN) return this.#planPump();
    }
  }

  /** What is said meanwhile is heard: answers to what `init` asks, for one. */
  #listen(): void {
    if (this.#setup.port instanceof RingPort) this.#parking.busy();
  }

  /** The ring is empty: true where there is something to do after all; else the pump is called when there is. */
  #findWork(worked: boolean): boolean {
    if (this.#link.hasMessages && this.#link.takeMessages()) return true;
    const alone = this.#running.size === 0 && this.#preparing === undefined;
    if (alone && this.#parking.spin()) return true;
    if (alone && worked) {
      // What the tasks left to the event loop has its turn before this thread blocks.
      this.#planPump();
      return false;
    }
    return this.#parking.wait(alone);
  }

  /** In the midst of a task. What a message brings to do, a turn of the event loop finds. */
  #hear(): void {
    if (this.#link.hasMessages && this.#link.takeMessages() && !this.#pumpPlanned) this.#planPump();
  }

  #planPump(): void {
    this.#pumpPlanned = true;
    setImmediate(() => {
      this.#pumpPlanned = false;
      this.#pump();
    });
  }

  #takeJob(header: number): void {
    const { slot, head, column, offsets, bytes } = takeJobRecord(this.#link, header);
    if (column === undefined) this.#begin(slot, head, offsets, bytes, [], false);
    else this.#beginColumn(slot, head, column);
  }

  #begin(
    slot: number,
    head: JobHead,
    offsets: Uint32Array,
    bytes: Uint8Array,
    extras: readonly unknown[],
    fetch: boolean,
  ): void {
    const operation = this.#operations.get(head.operation);
    const isCall = operation.head.kind === 'call';
    const classes = operation.classes();
    const decode = unpacker(bytes, extras, this.assets, classes);
    const item = (at: number): unknown => {
      if (isCall) classes.clear();
      return decode.itemAt(offsets[at]!, offsets[at + 1]!);
    };
    const missing = fetch ? (extras as unknown[]) : undefined;
    this.#run(slot, head, operation, {
      item,
      column: undefined,
      reader: isCall ? decode : undefined,
      missing,
    });
  }

  #beginColumn(slot: number, head: JobHead, column: Numbers): void {
    const item = (at: number): unknown => column[at];
    const operation = this.#operations.get(head.operation);
    this.#run(slot, head, operation, { item, column, reader: undefined, missing: undefined });
  }

  #run(slot: number, head: JobHead, operation: Operation, items: JobItems): void {
    const { seed, seeded, kind } = operation.head;
    const { task, first, attempt } = head;
    // Without a seed of its own each `run` still draws numbers of its own.
    const stream = kind === 'call' && !seeded ? task * CALLS_AT_ONCE + first : head.base;
    const seat = { slot, task, first, attempt, seed, stream };
    const job = new JobRun(this, slot, head, operation, items, () => new TaskContext(this, seat));
    this.#running.set(slot, job);
    const pending = this.#preparing === undefined ? job.run() : this.#whenPrepared(job);
    if (pending === undefined) return this.#ended(job);
    void pending.then(() => {
      this.#ended(job);
      this.#pump();
    });
  }

  #ended({ slot, context }: JobRun): void {
    this.#running.delete(slot);
    context.end();
  }

  async #whenPrepared(job: JobRun): Promise<void> {
    while (this.#preparing !== undefined) await this.#preparing;
    await job.run();
  }

  // ---- what jobs ask of their host ------------------------------------------------------------------------

  sendResult(slot: number, item: number, value: unknown, manner: Manner): void {
    this.outbox.result(slot, item, value, manner);
  }

  trySendOnly(slot: number, value: unknown, times: ItemTimes, owned: boolean): boolean {
    return this.outbox.tryOnly(slot, value, times, owned);
  }

  trySendNumber(slot: number, item: number, value: number | undefined, left: number): boolean {
    return this.outbox.tryNumber(slot, item, value, left);
  }

  closeResults(): void {
    this.outbox.close();
  }

  sendError(slot: number, item: number, error: unknown, times: ItemTimes): void {
    this.outbox.error(slot, item, error, times);
  }

  tell(): void {
    this.outbox.tell();
  }

  flush(): void {
    this.outbox.flush();
  }

  waitToClaim(slot: number): Promise<void> | undefined {
    return this.#claims.wait(slot, this.#running.size === 1);
  }

  sendEnd(slot: number, started: number, elapsed: number): void {
    this.outbox.end(slot, started, elapsed);
  }

  fetch(slot: number): void {
    this.outbox.message({ type: 'fetch', slot });
  }

  runStream(slot: number, item: number, generator: AnyGenerator, unbounded: boolean): Promise<void> {
    return this.#streams.run(slot, item, generator, unbounded);
  }

  cancelRequested(slot: number, item: number): boolean {
    return this.segment.cancelRequested(slot, item);
  }

  progress(slot: number, index: number, done: number, total: number | undefined): void {
    this.outbox.message({ type: 'progress', slot, index, done, total });
  }

  // ---- calls of tasks to their own pool -------------------------------------------------------------------

  /** Sends a request to the pool this worker belongs to. */
  request(request: NestedRequest, transfer: readonly unknown[] = []): void {
    this.outbox.message({ type: 'request', request }, transfer);
  }

  /** A task begins to wait for the pool: its place is free until it goes on. Undefined where it is over already. */
  beginWait(context: TaskContext): Waits | undefined {
    if (context.over) return undefined;
    context.waits ??= { open: 0 };
    context.waits.open += 1;
    if (context.waits.open === 1) this.#waits(context.slot, true);
    return context.waits;
  }

  endWait(waits: Waits, slot: number): void {
    // Nothing is open where the item has ended before its calls did.
    if (waits.open === 0) return;
    waits.open -= 1;
    if (waits.open === 0) this.#waits(slot, false);
  }

  settleWaits(context: TaskContext): void {
    const { waits } = context;
    context.waits = undefined;
    if (waits === undefined || waits.open === 0) return;
    waits.open = 0;
    this.#waits(context.slot, false);
  }

  #waits(slot: number, waiting: boolean): void {
    this.#waiting += waiting ? 1 : -1;
    this.outbox.waiting(slot, waiting);
    if (waiting && !this.#pumpPlanned) this.#planPump();
  }

  /** An error that nobody catches is about to end this worker. */
  dies(error: unknown): void {
    this.outbox.message({ type: 'died', error: this.#packError(error) });
  }

  #packError(error: unknown): WirePacked {
    return this.outbox.wire(packError(error, this.apart));
  }
}

/** The runtime of this thread where it is a worker; shared by all copies of the package in the thread. */
const key = Symbol.for('simul.worker.1');
type Holder = { [key]?: WorkerRuntime };

export function currentWorker(): WorkerRuntime | undefined {
  return (globalThis as Holder)[key];
}

export function startWorker(setup: WorkerSetup): WorkerRuntime {
  const runtime = new WorkerRuntime(setup);
  (globalThis as Holder)[key] = runtime;
  void runtime.start();
  return runtime;
}

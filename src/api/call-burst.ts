/**
 * Calls of one function made in one go with the same options: they are sent as one job of many items, which costs a
 * fraction of as many jobs. Each is still its own task: it runs, fails, is cancelled, tried again and moved to another
 * worker by itself.
 *
 * The first calls of a go, one for each worker, are sent at once. The burst that opens then is sent when the code that
 * makes the calls is done (a microtask), it is full or a millisecond old, or anything else is asked of the engine.
 */
import { asArgument, type Filled, type Packed, Packer, unpacker } from '../codec/index.js';
import type { EngineOperation, JobLimits, JobSink, JobTicket, Ran, StreamEvent } from '../engine/index.js';
import { type Batch, forEntries, type Items } from '../transport/index.js';
import { onAbort } from './abort.js';
import type { Call } from './call.js';
import { checkFunction, type TaskOptions } from './options.js';
import { limitsLeft, nextTask, openCall, type PoolCore, sendPending } from './pool-core.js';
import { mayTryAgain } from './retry.js';

const ARGUMENTS = { label: 'args' };
const FUNCTION_AND_ARGUMENTS = { parts: ['fn', 'args'] };
const NOTHING: readonly never[] = [];

/** Bytes of arguments after which a burst is sent. */
const MOST_BYTES = 64 * 1024;

/** How long a burst stays open, in ms: what is said of one call's time is true for all. */
const MOST_AGE = 1;

/** What all calls of one view of a pool share. */
export interface CallView {
  readonly core: PoolCore;
  readonly options: TaskOptions;
  readonly limits: JobLimits;
  readonly pinned: number;
}

/** @throws what keeps the call from being made; else `call` is told what burst it is in */
export function callInBurst(view: CallView, fn: Function, args: readonly unknown[], call: Call): void {
  const { core, options } = view;
  const { signal, seed } = options;
  checkFunction('run', 'first argument', fn);
  if (signal?.aborted === true) throw signal.reason;
  if (seed !== undefined) return callAlone(view, fn, args, call);
  // To read a function takes a while, in which workers that are not there yet can start.
  if (core.pending === undefined) core.engine.expect(1, view.pinned);
  const operation = core.calls.of(fn);
  let burst = core.pending;
  if (burst?.view !== view || burst.fn !== fn || burst.operation !== operation || burst.isOld) {
    sendPending(core);
    burst = new CallBurst(view, fn, operation);
  }
  burst.add(args, call);
}

/** A seed makes a call an operation of its own. */
function callAlone(view: CallView, fn: Function, args: readonly unknown[], call: Call): void {
  const { core, options } = view;
  sendPending(core);
  core.engine.expect(1, view.pinned);
  const burst = new CallBurst(view, fn, openCall(core.engine, options.seed));
  sendAlone(burst, () => burst.add(args, call));
}

/** A call whose arguments had to come first, counted by `accept` when it was made: its function is in the item. */
export function callFilled(view: CallView, fn: Function, item: Filled, task: number, call: Call): void {
  const { core, options } = view;
  sendPending(core);
  const operation = options.seed === undefined ? core.calls.unshared() : openCall(core.engine, options.seed);
  const burst = new CallBurst(view, fn, operation, task);
  sendAlone(burst, () => burst.addFilled(item, call));
}

function sendAlone(burst: CallBurst, add: () => void): void {
  try {
    add();
    burst.send();
  } catch (error) {
    burst.closeOwn();
    throw error;
  }
}

/** What a call keeps of its burst for good; the burst itself only until all its calls are settled. */
export interface BurstOrigin {
  burst: CallBurst | undefined;
  readonly task: number;
  /** In ms. */
  readonly begunAt: number;
}

/** When calls ran whose results came at once, by their places among those. Each began when the one before was over. */
export class ResultTimes {
  readonly #worker: number;
  readonly #bounds: number[];

  constructor(worker: number, since: number) {
    this.#worker = worker;
    this.#bounds = [since];
  }

  /** The next one is over; gives its place. */
  add(finishedAt: number): number {
    return this.#bounds.push(finishedAt) - 2;
  }

  of(place: number): Ran {
    const bounds = this.#bounds;
    return { worker: this.#worker, startedAt: bounds[place]!, finishedAt: bounds[place + 1]! };
  }
}

function endGo(core: PoolCore): void {
  core.sent = 0;
  sendPending(core);
}

export class CallBurst implements JobSink {
  readonly view: CallView;
  /** One for all: what a function imports comes with each part of the burst, and may be what ends a worker. */
  readonly fn: Function;
  readonly operation: EngineOperation;
  readonly origin: BurstOrigin;
  ticket: JobTicket | undefined;
  /** Those that are not settled, by their places. */
  readonly #calls: (Call | undefined)[] = [];
  readonly #offsets: number[] = [0];
  #packer: Packer;
  #items: Items | undefined;
  /** Calls that are not settled. */
  #open = 0;
  #forgetSignal: (() => void) | undefined;

  constructor(view: CallView, fn: Function, operation: EngineOperation, task = nextTask()) {
    this.origin = { burst: this, task, begunAt: performance.now() };
    this.view = view;
    this.fn = fn;
    this.operation = operation;
    const options = operation.spec.fn === undefined ? FUNCTION_AND_ARGUMENTS : ARGUMENTS;
    this.#packer = new Packer(view.core.engine.apart ? { ...options, apart: true } : options);
  }

  /** Its calls would no longer have been made at the same time. */
  get isOld(): boolean {
    return performance.now() - this.origin.begunAt > MOST_AGE;
  }

  /** @throws SerializationError, or why the engine takes no more */
  add(args: readonly unknown[], call: Call): void {
    const { core, options } = this.view;
    const packer = this.#packer;
    core.engine.check();
    // What is sent may have getters, and those may call the pool: they find no burst that is half written.
    const held = core.pending === this;
    if (held) core.pending = undefined;
    try {
      const given = this.#given(args);
      if (this.operation.spec.fn === undefined) packer.item([this.fn, given]);
      else packer.list(given);
    } finally {
      sendPending(core);
      if (held) core.pending = this;
    }
    core.engine.accept();
    this.#joined(call);
    const { burst } = core.engine;
    if (this.#calls.length === 1) {
      if (options.seed !== undefined) return;
      // A call for every worker goes at once, so that all wake; what follows in the same go waits for the rest.
      if (core.sent === 0) queueMicrotask(() => endGo(core));
      if (core.sent < core.engine.size) {
        core.sent += 1;
        return this.send();
      }
      core.pending = this;
    }
    // What goes beside the bytes would go with every part of the burst.
    if (this.#calls.length >= burst || packer.length >= MOST_BYTES || packer.hasExtras) this.send();
  }

  /** The only call of this burst. @throws SerializationError */
  addFilled(item: Filled, call: Call): void {
    this.#packer.item(item);
    this.#joined(call);
  }

  #joined(call: Call): void {
    const { signal } = this.view.options;
    if (signal !== undefined && this.#calls.length === 0) {
      this.#forgetSignal = onAbort(signal, () => this.#cancel(signal.reason));
    }
    call.joined(this.origin, this.#calls.length);
    this.#calls.push(call);
    this.#offsets.push(this.#packer.length);
    this.#open += 1;
  }

  /** The arguments, with refs replaced by what stands for their values. */
  #given(args: readonly unknown[]): readonly unknown[] {
    const { refs } = this.view.core.engine;
    for (let i = 0; i < args.length; i++) {
      const arg = args[i];
      if (typeof arg === 'object' && arg !== null && asArgument(arg, refs) !== arg) {
        return args.map((each) => asArgument(each, refs));
      }
    }
    return args;
  }

  send(): void {
    const { core, limits } = this.view;
    if (core.pending === this) core.pending = undefined;
    const packed = this.#packer.finish();
    this.#items = { packed, offsets: this.#offsets };
    const calls = this.#calls;
    try {
      this.ticket = this.#submit(0, calls.length, 1, 0, limits, this.#cancelled);
    } catch (error) {
      for (const call of calls) call?.fault(error as Error, undefined);
      return;
    }
    this.#finish();
  }

  /** Those that were cancelled before they were sent. */
  get #cancelled(): Set<number> | undefined {
    const calls = this.#calls;
    if (this.#open === calls.length) return undefined;
    return new Set([...calls.keys()].filter((place) => calls[place] === undefined));
  }

  /** Another attempt of one call. @throws why the engine takes no more */
  sendAgain(index: number, attempt: number, delay: number): JobTicket {
    return this.#submit(
      index,
      1,
      attempt,
      delay,
      limitsLeft(this.view.limits, performance.now() - this.origin.begunAt),
    );
  }

  #submit(
    from: number,
    count: number,
    attempt: number,
    delay: number,
    limits: JobLimits,
    skipped?: ReadonlySet<number>,
  ): JobTicket {
    const { core, options, pinned } = this.view;
    return core.engine.submit({
      operation: this.operation,
      name: options.name,
      task: this.origin.task,
      first: from,
      items: this.#items!,
      from,
      count,
      base: from,
      attempt,
      priority: options.priority ?? 0,
      pinned,
      chunkLimit: 0,
      delay,
      limits,
      keepsParts: mayTryAgain(options.retries),
      accepted: attempt === 1,
      internal: attempt > 1,
      skipped,
      sink: this,
    });
  }

  /** One of its calls is settled. What is kept of it here would keep its result. */
  ended(index: number): void {
    this.#calls[index] = undefined;
    this.#open -= 1;
    this.#finish();
  }

  #finish(): void {
    if (this.#open > 0 || this.#items === undefined) return;
    this.origin.burst = undefined;
    this.#forgetSignal?.();
    this.closeOwn();
  }

  /** The operation, where no other call has it. */
  closeOwn(): void {
    if (this.view.options.seed !== undefined) this.operation.close();
  }

  #cancel(reason: unknown): void {
    for (const call of this.#calls) call?.cancel(reason);
  }

  // ---- what the engine tells ----------------------------------------------------------------------------------

  result(index: number, failed: boolean, body: Packed, ran: Ran): void {
    this.#calls[index]?.result(failed, body, ran);
  }

  results(first: number, batch: Batch, worker: number): void {
    const decode = unpacker(batch.bytes, NOTHING, this.view.core.assets);
    const times = new ResultTimes(worker, batch.since);
    let index = first;
    let over = batch.since;
    forEntries(batch, (from, to, ran) => {
      const call = this.#calls[index++];
      over += ran;
      try {
        const place = times.add(over);
        call?.done(decode.itemAt(from, to), times, place);
      } catch (error) {
        call?.unreadable(error);
      }
    });
  }

  fault(index: number, error: Error, ran: Ran | undefined): void {
    this.#calls[index]?.fault(error, ran);
  }

  stream(index: number, event: StreamEvent, ran: Ran): void {
    this.#calls[index]?.stream(event, ran);
  }

  progress(): void {}
}

/** One `run`: a function called once, somewhere else. */
import { type Packed, Packer, unpack } from '../codec/index.js';
import type { EngineOperation, JobLimits, JobSink, JobTicket, Ran, StreamEvent } from '../engine/index.js';
import { EngineError } from '../errors.js';
import type { Items } from '../transport/index.js';
import { taskId } from '../worker/index.js';
import { onAbort } from './abort.js';
import { attribute, attributeFault, type CallSite } from './failure.js';
import { Future, type FutureInfo, type FutureSource, type FutureState, type Settle } from './future.js';
import { checkFunction, type TaskOptions } from './options.js';
import {
  callOperation,
  isSelfContained,
  limitsLeft,
  nextTask,
  openCall,
  type PoolCore,
} from './pool-core.js';
import { ResultStream } from './result-stream.js';
import { boundRetries, mayTryAgain, retryDelay } from './retry.js';

const ARGUMENTS = { parts: ['fn', 'args'] };

/** What all calls of one view of a pool share. */
export interface CallView {
  readonly core: PoolCore;
  readonly options: TaskOptions;
  readonly limits: JobLimits;
  readonly pinned: number;
}

export function startCall<T>(
  view: CallView,
  fn: Function,
  args: readonly unknown[],
  site: CallSite,
): Future<T> {
  return Future.make<T>((settle) => new Call(view, fn, args, site, settle as Settle<unknown>));
}

class Call implements FutureSource, JobSink {
  readonly #task = nextTask();
  readonly #view: CallView;
  readonly #site: CallSite;
  readonly #settle: Settle<unknown>;
  readonly #submitted = performance.now();
  readonly #retries: TaskOptions['retries'];
  #job: { readonly items: Items; readonly operation: EngineOperation } | undefined;
  #ticket: JobTicket | undefined;
  #attempt = 1;
  #settled: 'done' | 'failed' | 'cancelled' | undefined;
  #ran: Ran | undefined;
  #finished: number | undefined;
  #stream: ResultStream | undefined;
  #forgetSignal: (() => void) | undefined;

  constructor(
    view: CallView,
    fn: Function,
    args: readonly unknown[],
    site: CallSite,
    settle: Settle<unknown>,
  ) {
    this.#view = view;
    this.#site = site;
    this.#settle = settle;
    this.#retries = boundRetries(view.options.retries);
    try {
      this.#begin(fn, args);
    } catch (error) {
      this.#end('failed');
      settle.reject(error);
    }
  }

  #begin(fn: Function, args: readonly unknown[]): void {
    const { core, options } = this.#view;
    const { signal, seed } = options;
    checkFunction('run', 'first argument', fn);
    if (signal?.aborted === true) throw signal.reason;
    const packer = new Packer(ARGUMENTS);
    packer.item([fn, args]);
    const packed = packer.finish();
    this.#job = {
      items: { packed, offsets: [0, packed.bytes.byteLength] },
      operation: seed === undefined ? callOperation(core) : openCall(core, seed),
    };
    this.#submit(0);
    if (signal !== undefined) this.#forgetSignal = onAbort(signal, () => this.cancel(signal.reason));
  }

  #submit(delay: number): void {
    const { core, options, limits, pinned } = this.#view;
    const { operation, items } = this.#job!;
    this.#ticket = core.engine.submit({
      operation,
      name: options.name,
      task: this.#task,
      items,
      from: 0,
      count: 1,
      base: 0,
      attempt: this.#attempt,
      priority: options.priority ?? 0,
      pinned,
      chunkLimit: 0,
      delay,
      limits: this.#attempt === 1 ? limits : limitsLeft(limits, performance.now() - this.#submitted),
      keepsParts: mayTryAgain(this.#retries),
      internal: this.#attempt > 1,
      sink: this,
    });
  }

  get id(): string {
    return taskId(this.#task, 0);
  }

  // ---- what the engine tells ----------------------------------------------------------------------------------

  result(_index: number, failed: boolean, body: Packed, ran: Ran): void {
    this.#ran = ran;
    const { core } = this.#view;
    if (failed || !isSelfContained(body)) {
      core.decode(
        body,
        (value) =>
          failed ? this.#failed(attribute(value, this.#site, this.#origin())) : this.#resolve(value),
        (error) => this.#failed(error),
      );
      return;
    }
    let value: unknown;
    try {
      value = unpack(body, core.assets);
    } catch (error) {
      return this.#failed(error);
    }
    this.#resolve(value);
  }

  results(): void {
    throw new EngineError('a call was answered with the results of many items');
  }

  fault(_index: number, error: Error, ran: Ran | undefined): void {
    this.#ran = ran ?? this.#ran;
    this.#failed(attributeFault(error, this.#site, this.#origin()));
  }

  stream(_index: number, event: StreamEvent, ran: Ran): void {
    this.#ran = ran;
    if (event.step === 'open') {
      const ticket = this.#ticket;
      this.#stream = new ResultStream({
        credit: (count) => ticket?.credit(count),
        cancel: () => {
          if (this.#settled === undefined) this.#end('cancelled');
          ticket?.cancel(new Error('the reader of this generator has gone'));
        },
      });
      this.#settle.resolve(this.#stream);
      return;
    }
    if (event.step === 'end') {
      this.#end('done');
      this.#stream?.end();
      return;
    }
    const { step } = event;
    this.#view.core.decode(
      event.body,
      (value) => {
        if (step === 'value') this.#stream?.value(value);
        else this.#failed(attribute(value, this.#site, this.#origin()));
      },
      (error) => this.#failed(error),
    );
  }

  progress(): void {}

  #resolve(value: unknown): void {
    if (this.#settled !== undefined) return;
    this.#end('done');
    this.#settle.resolve(value);
  }

  #failed(error: unknown): void {
    if (this.#settled !== undefined) return;
    if (this.#stream !== undefined) {
      this.#end('failed');
      this.#stream.fail(error);
      return;
    }
    const delay = this.#retryDelay(error);
    if (delay !== undefined) {
      this.#attempt += 1;
      try {
        this.#submit(delay);
        this.#view.core.retried += 1;
        return;
      } catch {
        // The pool was stopped meanwhile: the task's own error says more.
        this.#attempt -= 1;
      }
    }
    this.#end('failed');
    this.#settle.reject(error);
  }

  #retryDelay(error: unknown): number | undefined {
    const { deadline } = this.#view.options;
    if (deadline !== undefined && performance.now() - this.#submitted >= deadline) return undefined;
    try {
      return retryDelay(this.#retries, error, this.#attempt);
    } catch (thrown) {
      // `when` or `delay` failed: that is what the caller has to see.
      this.#end('failed');
      this.#settle.reject(thrown);
      return undefined;
    }
  }

  #end(state: 'done' | 'failed' | 'cancelled'): void {
    this.#settled = state;
    this.#finished = performance.now();
    if (this.#view.options.seed !== undefined) this.#job?.operation.close();
    this.#job = undefined;
    this.#forgetSignal?.();
  }

  #origin() {
    return {
      id: this.id,
      index: 0,
      worker: this.#ran?.worker ?? -1,
      attempt: this.#attempt,
    };
  }

  // ---- what the future asks -----------------------------------------------------------------------------------

  state(): FutureState {
    if (this.#settled !== undefined) return this.#settled;
    return this.#ticket?.phase() === 'running' ? 'running' : 'pending';
  }

  info(): FutureInfo {
    const epoch = (time: number | undefined): number | undefined =>
      time === undefined || time === 0 ? undefined : performance.timeOrigin + time;
    const worker = this.#ran?.worker ?? this.#ticket?.worker() ?? -1;
    return {
      submitted: performance.timeOrigin + this.#submitted,
      started: epoch(this.#ran?.startedAt ?? this.#ticket?.startedAt()),
      finished: epoch(this.#finished),
      worker: worker < 0 ? undefined : worker,
      attempts: this.#attempt,
    };
  }

  explain(): string {
    return this.#settled === undefined
      ? (this.#ticket?.explain() ?? 'it is being sent')
      : `it is ${this.#settled}`;
  }

  cancel(reason: unknown): boolean {
    if (this.#settled !== undefined) return false;
    this.#end('cancelled');
    this.#ticket?.cancel(reason);
    if (this.#stream === undefined) this.#settle.reject(reason);
    else this.#stream.fail(reason);
    return true;
  }
}

/** One `run`: a function called once, somewhere else. */
import { type Packed, unpack } from '../codec/index.js';
import type { JobTicket, Ran, StreamEvent } from '../engine/index.js';
import { taskId } from '../worker/index.js';
import { type CallBurst, type CallView, callInBurst } from './call-burst.js';
import { attribute, attributeFault, type CallSite } from './failure.js';
import { Future, type FutureInfo, type FutureSource, type FutureState, type Settle } from './future.js';
import { isSelfContained } from './pool-core.js';
import type { TaskOptions } from './options.js';
import { ResultStream } from './result-stream.js';
import { boundRetries, retryDelay } from './retry.js';

export function startCall<T>(
  view: CallView,
  fn: Function,
  args: readonly unknown[],
  site: CallSite,
): Future<T> {
  const call = new Call(site);
  const future = Future.make<T>(call);
  call.begin(view, fn, args);
  return future;
}

export class Call implements FutureSource {
  settle!: Settle<unknown>;
  readonly #site: CallSite;
  /** The calls it was sent with; undefined once it is settled, or where it could not be sent. */
  #burst: CallBurst | undefined;
  #task = 0;
  /** Its place among them. */
  #index = 0;
  #retries: TaskOptions['retries'];
  #attempt = 1;
  /** Of an attempt after the first; that of its burst until then. */
  #ticket: JobTicket | undefined;
  #settled: 'done' | 'failed' | 'cancelled' | undefined;
  #submitted = 0;
  /** Of the last attempt, as far as known; times in ms. */
  #worker = -1;
  #started = 0;
  #finished = 0;
  #stream: ResultStream | undefined;

  constructor(site: CallSite) {
    this.#site = site;
  }

  begin(view: CallView, fn: Function, args: readonly unknown[]): void {
    this.#retries = boundRetries(view.options.retries);
    try {
      callInBurst(view, fn, args, this);
    } catch (error) {
      this.#settled = 'failed';
      this.settle.reject(error);
    }
  }

  /** It is in the burst, to be sent with it. */
  joined(burst: CallBurst, index: number): void {
    this.#burst = burst;
    this.#task = burst.task;
    this.#index = index;
    this.#submitted = burst.begunAt;
  }

  get id(): string {
    return taskId(this.#task, this.#index);
  }

  get #job(): JobTicket | undefined {
    return this.#ticket ?? this.#burst?.ticket;
  }

  // ---- what the engine tells ----------------------------------------------------------------------------------

  /** It went well, with nothing to wait for. */
  done(value: unknown, worker: number, started: number, finished: number): void {
    if (this.#settled !== undefined) return;
    this.#worker = worker;
    this.#started = started;
    this.#finished = finished;
    this.#resolve(value);
  }

  result(failed: boolean, body: Packed, ran: Ran): void {
    this.#note(ran);
    if (this.#burst === undefined) return;
    const { core } = this.#burst.view;
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

  /** Its result could not be read. */
  unreadable(error: unknown): void {
    this.#failed(error);
  }

  fault(error: Error, ran: Ran | undefined): void {
    if (ran !== undefined) this.#note(ran);
    this.#failed(attributeFault(error, this.#site, this.#origin()));
  }

  stream(event: StreamEvent, ran: Ran): void {
    this.#note(ran);
    if (event.step === 'open') return this.#open();
    if (event.step === 'end') {
      this.#end('done');
      this.#stream?.end();
      return;
    }
    const { step } = event;
    this.#burst?.view.core.decode(
      event.body,
      (value) => {
        if (step === 'value') this.#stream?.value(value);
        else this.#failed(attribute(value, this.#site, this.#origin()));
      },
      (error) => this.#failed(error),
    );
  }

  #open(): void {
    const ticket = this.#job;
    const index = this.#index;
    this.#stream = new ResultStream({
      credit: (count) => ticket?.credit(index, count),
      cancel: () => {
        if (this.#settled === undefined) this.#end('cancelled');
        ticket?.cancelItem(index, new Error('the reader of this generator has gone'));
      },
    });
    this.settle.resolve(this.#stream);
  }

  #note(ran: Ran): void {
    this.#worker = ran.worker;
    this.#started = ran.startedAt;
  }

  #resolve(value: unknown): void {
    if (this.#settled !== undefined) return;
    this.#end('done');
    this.settle.resolve(value);
  }

  #failed(error: unknown): void {
    if (this.#settled !== undefined) return;
    if (this.#stream !== undefined) {
      this.#end('failed');
      this.#stream.fail(error);
      return;
    }
    if (this.#triesAgain(error) || this.#settled !== undefined) return;
    this.#end('failed');
    this.settle.reject(error);
  }

  #triesAgain(error: unknown): boolean {
    const burst = this.#burst;
    if (burst === undefined) return false;
    const { core, options } = burst.view;
    const { deadline } = options;
    if (deadline !== undefined && performance.now() - this.#submitted >= deadline) return false;
    let delay: number | undefined;
    try {
      delay = retryDelay(this.#retries, error, this.#attempt);
    } catch (thrown) {
      // `when` or `delay` failed: that is what the caller has to see.
      this.#end('failed');
      this.settle.reject(thrown);
      return false;
    }
    if (delay === undefined) return false;
    try {
      this.#ticket = burst.sendAgain(this.#index, this.#attempt + 1, delay);
    } catch {
      // The pool was stopped meanwhile: the task's own error says more.
      return false;
    }
    this.#attempt += 1;
    core.retried += 1;
    return true;
  }

  #end(state: 'done' | 'failed' | 'cancelled'): void {
    this.#settled = state;
    if (this.#finished === 0) this.#finished = performance.now();
    this.#burst?.ended(this.#index);
    this.#burst = undefined;
  }

  #origin() {
    return { id: this.id, index: 0, worker: this.#worker, attempt: this.#attempt };
  }

  // ---- what the future asks -----------------------------------------------------------------------------------

  state(): FutureState {
    if (this.#settled !== undefined) return this.#settled;
    return this.#job?.phase(this.#index) === 'running' ? 'running' : 'pending';
  }

  info(): FutureInfo {
    const epoch = (time: number | undefined): number | undefined =>
      time === undefined || time === 0 ? undefined : performance.timeOrigin + time;
    const job = this.#settled === undefined ? this.#job : undefined;
    const worker = this.#worker >= 0 ? this.#worker : (job?.worker(this.#index) ?? -1);
    return {
      submitted: performance.timeOrigin + this.#submitted,
      started: epoch(this.#started > 0 ? this.#started : job?.startedAt(this.#index)),
      finished: epoch(this.#finished),
      worker: worker < 0 ? undefined : worker,
      attempts: this.#attempt,
    };
  }

  explain(): string {
    if (this.#settled !== undefined) return `it is ${this.#settled}`;
    return this.#job?.explain(this.#index) ?? 'it is being sent';
  }

  cancel(reason: unknown): boolean {
    if (this.#settled !== undefined) return false;
    const job = this.#job;
    this.#end('cancelled');
    job?.cancelItem(this.#index, reason);
    if (this.#stream === undefined) this.settle.reject(reason);
    else this.#stream.fail(reason);
    return true;
  }
}

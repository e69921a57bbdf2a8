/** One `run`: a function called once, somewhere else. */
import { type Packed, unpack } from '../codec/index.js';
import type { JobTicket, Ran, StreamEvent } from '../engine/index.js';
import { taskId } from '../worker/index.js';
import { ofAllAttempts, remember } from './attempts.js';
import { type BurstOrigin, type CallView, callInBurst, type ResultTimes } from './call-burst.js';
import { type CallWait, callWithInputs } from './call-wait.js';
import { attribute, attributeFault, type CallSite, callSite } from './failure.js';
import { Future, type FutureInfo, type FutureSource, type FutureState } from './future.js';
import { waitsForInputs } from './inputs.js';
import type { TaskOptions } from './options.js';
import { isSelfContained, type PoolCore } from './pool-core.js';
import { ResultStream } from './result-stream.js';
import { boundRetries, retryDelay } from './retry.js';

export function startCall<T>(
  view: CallView,
  fn: Function,
  args: readonly unknown[],
  entry: Function,
): Future<T> {
  const call = new Call();
  const future = Future.make<T>(call);
  call.begin(view, fn, args);
  // The worker may be on its way to it already: to take the stack is a good part of the work that a call is.
  call.site = callSite(entry, fn);
  return future;
}

const NOWHERE: CallSite = {};

/** What few calls have. */
interface Rest {
  attempt: number;
  retries: TaskOptions['retries'];
  /** What ended the attempts before. */
  earlier: unknown[] | undefined;
  /** Of an attempt after the first. */
  ticket: JobTicket | undefined;
  stream: ResultStream | undefined;
  /** Of a call that waits for its arguments, or has. */
  wait: CallWait | undefined;
  ran: Ran | undefined;
  /** When it was settled, in ms. */
  finished: number;
}

/** There may be a million of them at a time: what only few need is kept apart, times belong to all that came at once. */
export class Call implements FutureSource {
  resolve!: (value: unknown) => void;
  /** Where it was made: for its error. */
  site: CallSite = NOWHERE;
  /** What it was sent with, and its place there; undefined where it could not be sent. */
  #origin: BurstOrigin | undefined;
  #index = 0;
  #settled: 'done' | 'failed' | 'cancelled' | undefined;
  #times: ResultTimes | undefined;
  #timesAt = 0;
  #rest: Rest | undefined;

  begin(view: CallView, fn: Function, args: readonly unknown[]): void {
    const { retries } = view.options;
    if (retries !== undefined) this.#more.retries = boundRetries(retries);
    try {
      if (waitsForInputs(args)) this.#more.wait = callWithInputs(view, fn, args, this);
      else callInBurst(view, fn, args, this);
    } catch (error) {
      this.refused(error);
    }
  }

  /** It could not be sent, or will not be. */
  refused(error: unknown, state: 'failed' | 'cancelled' = 'failed'): void {
    if (this.#settled !== undefined) return;
    this.#end(state);
    this.#reject(error);
  }

  /** It is in the burst, to be sent with it. */
  joined(origin: BurstOrigin, index: number): void {
    this.#origin = origin;
    this.#index = index;
  }

  get id(): string {
    return taskId(this.#origin?.task ?? this.#rest?.wait?.task ?? 0, this.#index);
  }

  get #attempt(): number {
    return this.#rest?.attempt ?? 1;
  }

  get #more(): Rest {
    this.#rest ??= {
      attempt: 1,
      retries: undefined,
      earlier: undefined,
      ticket: undefined,
      stream: undefined,
      wait: undefined,
      ran: undefined,
      finished: 0,
    };
    return this.#rest;
  }

  get #ticket(): JobTicket | undefined {
    return this.#rest?.ticket ?? this.#origin?.burst?.ticket;
  }

  // ---- what the engine tells ----------------------------------------------------------------------------------

  /** It went well, with nothing to wait for. */
  done(value: unknown, times: ResultTimes, at: number): void {
    this.#times = times;
    this.#timesAt = at;
    this.#settled = 'done';
    this.#origin?.burst?.ended(this.#index);
    this.resolve(value);
  }

  result(failed: boolean, body: Packed, ran: Ran): void {
    this.#more.ran = ran;
    const core = this.#core;
    if (failed || !isSelfContained(body)) {
      core.decode(
        body,
        (value) =>
          failed ? this.#failed(attribute(value, this.site, this.#taskOrigin())) : this.#resolve(value),
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
    if (ran !== undefined) this.#more.ran = ran;
    this.#failed(attributeFault(error, this.site, this.#taskOrigin()));
  }

  stream(event: StreamEvent, ran: Ran): void {
    this.#more.ran = ran;
    if (event.step === 'open') return this.#open();
    if (event.step === 'end') {
      this.#end('done');
      this.#rest?.stream?.end();
      return;
    }
    const { step } = event;
    this.#core.decode(
      event.body,
      (value) => {
        if (step === 'value') this.#rest?.stream?.value(value);
        else this.#failed(attribute(value, this.site, this.#taskOrigin()));
      },
      (error) => this.#failed(error),
    );
  }

  #open(): void {
    const ticket = this.#ticket;
    const index = this.#index;
    const stream = new ResultStream({
      credit: (count) => ticket?.credit(index, count),
      cancel: () => {
        if (this.#settled === undefined) this.#end('cancelled');
        ticket?.cancelItem(index, new Error('the reader of this generator has gone'));
      },
    });
    this.#more.stream = stream;
    this.resolve(stream);
  }

  /** Only for calls that are not settled. */
  get #core(): PoolCore {
    return this.#origin!.burst!.view.core;
  }

  #resolve(value: unknown): void {
    if (this.#settled !== undefined) return;
    this.#end('done');
    this.resolve(value);
  }

  #reject(reason: unknown): void {
    this.resolve(Promise.reject(reason));
  }

  #failed(error: unknown): void {
    if (this.#settled !== undefined) return;
    const stream = this.#rest?.stream;
    if (stream !== undefined) {
      this.#end('failed');
      stream.fail(error);
      return;
    }
    if (this.#triesAgain(error) || this.#settled !== undefined) return;
    this.#end('failed');
    this.#reject(ofAllAttempts(error, this.#attempt, this.#rest?.earlier));
  }

  #triesAgain(error: unknown): boolean {
    const retries = this.#rest?.retries;
    const burst = this.#origin?.burst;
    if (retries === undefined || burst === undefined) return false;
    const { core, options } = burst.view;
    const { deadline } = options;
    if (deadline !== undefined && performance.now() - burst.origin.begunAt >= deadline) return false;
    let delay: number | undefined;
    try {
      delay = retryDelay(retries, error, this.#attempt);
    } catch (thrown) {
      // `when` or `delay` failed: that is what the caller has to see.
      this.#end('failed');
      this.#reject(thrown);
      return false;
    }
    if (delay === undefined) return false;
    try {
      this.#more.ticket = burst.sendAgain(this.#index, this.#attempt + 1, delay);
    } catch {
      // The pool was stopped meanwhile: the task's own error says more.
      return false;
    }
    const more = this.#more;
    more.earlier = remember(more.earlier ?? [], error);
    more.attempt += 1;
    core.retried += 1;
    return true;
  }

  #end(state: 'done' | 'failed' | 'cancelled'): void {
    this.#settled = state;
    this.#more.finished = performance.now();
    if (this.#origin === undefined) this.#rest?.wait?.forget();
    this.#origin?.burst?.ended(this.#index);
  }

  #taskOrigin() {
    return { id: this.id, index: 0, worker: this.#rest?.ran?.worker ?? -1, attempt: this.#attempt };
  }

  // ---- what the future asks -----------------------------------------------------------------------------------

  state(): FutureState {
    if (this.#settled !== undefined) return this.#settled;
    return this.#ticket?.phase(this.#index) === 'running' ? 'running' : 'pending';
  }

  info(): FutureInfo {
    const epoch = (time: number | undefined): number | undefined =>
      time === undefined || time === 0 ? undefined : performance.timeOrigin + time;
    const ticket = this.#settled === undefined ? this.#ticket : undefined;
    const ran = this.#times?.of(this.#timesAt) ?? this.#rest?.ran;
    // When it was over in the worker, unless it was given up before that.
    const over = this.#settled === 'cancelled' ? 0 : (ran?.finishedAt ?? 0);
    const worker = ran?.worker ?? ticket?.worker(this.#index) ?? -1;
    return {
      submitted:
        performance.timeOrigin + (this.#rest?.wait?.begunAt ?? this.#origin?.begunAt ?? this.#more.finished),
      started: epoch(ran?.startedAt ?? ticket?.startedAt(this.#index)),
      finished: this.#settled === undefined ? undefined : epoch(over || this.#rest?.finished),
      worker: worker < 0 ? undefined : worker,
      attempts: this.#attempt,
    };
  }

  explain(): string {
    if (this.#settled !== undefined) return `it is ${this.#settled}`;
    if (this.#origin === undefined && this.#rest?.wait !== undefined) return this.#rest.wait.explain();
    return this.#ticket?.explain(this.#index) ?? 'it is being sent';
  }

  cancel(reason: unknown): boolean {
    if (this.#settled !== undefined) return false;
    const ticket = this.#ticket;
    const stream = this.#rest?.stream;
    this.#end('cancelled');
    ticket?.cancelItem(this.#index, reason);
    if (stream === undefined) this.#reject(reason);
    else stream.fail(reason);
    return true;
  }
}

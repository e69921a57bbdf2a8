/** One `run`: a function called once, somewhere else. */
import { Packer } from '../codec/index.js';
import type { JobSink, JobTicket, Ran, StreamEvent } from '../engine/index.js';
import { taskId } from '../worker/index.js';
import { attribute, attributeFault, type CallSite } from './failure.js';
import { Future, type FutureInfo, type FutureSource, type FutureState, type Settle } from './future.js';
import type { TaskOptions } from './options.js';
import { callOperation, limitsOf, nextTask, openCall, type PoolCore } from './pool-core.js';
import { ResultStream } from './result-stream.js';
import { retryDelay } from './retry.js';

export interface CallSpec {
  readonly core: PoolCore;
  readonly fn: Function;
  readonly args: readonly unknown[];
  readonly options: TaskOptions;
  readonly pinned: number;
  readonly site: CallSite;
}

export function startCall<T>(spec: CallSpec): Future<T> {
  return Future.make<T>((settle) => new Call(spec, settle as Settle<unknown>));
}

class Call implements FutureSource, JobSink {
  readonly #task = nextTask();
  readonly #spec: CallSpec;
  readonly #settle: Settle<unknown>;
  readonly #submitted = performance.now();
  #ticket: JobTicket | undefined;
  #attempt = 1;
  #settled: 'done' | 'failed' | 'cancelled' | undefined;
  #ran: Ran | undefined;
  #finished: number | undefined;
  #stream: ResultStream | undefined;
  #submit: ((delay: number) => void) | undefined;
  #close: (() => void) | undefined;
  #onAbort: (() => void) | undefined;

  constructor(spec: CallSpec, settle: Settle<unknown>) {
    this.#spec = spec;
    this.#settle = settle;
    try {
      this.#begin();
    } catch (error) {
      this.#end('failed');
      settle.reject(error);
    }
  }

  #begin(): void {
    const { core, fn, args, options, pinned } = this.#spec;
    const { signal } = options;
    if (signal?.aborted === true) throw signal.reason;
    const packer = new Packer({ parts: ['fn', 'args'] });
    packer.item([fn, args]);
    const packed = packer.finish();
    const operation = options.seed === undefined ? callOperation(core) : openCall(core, options.seed);
    if (options.seed !== undefined) this.#close = () => operation.close();
    const items = { packed, offsets: Uint32Array.of(0, packed.bytes.byteLength) };
    const limits = limitsOf(options);
    this.#submit = (delay) => {
      const { deadline } = limits;
      const spent = performance.now() - this.#submitted;
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
        limits:
          deadline === undefined || this.#attempt === 1
            ? limits
            : { ...limits, deadline: Math.max(1, deadline - spent) },
        internal: this.#attempt > 1,
        sink: this,
      });
    };
    this.#submit(0);
    if (signal !== undefined) {
      this.#onAbort = () => this.cancel(signal.reason);
      signal.addEventListener('abort', this.#onAbort, { once: true });
    }
  }

  get id(): string {
    return taskId(this.#task, 0);
  }

  // ---- what the engine tells ----------------------------------------------------------------------------------

  result(_index: number, failed: boolean, body: Parameters<JobSink['result']>[2], ran: Ran): void {
    this.#ran = ran;
    this.#spec.core.decode(
      body,
      (value) =>
        failed ? this.#failed(attribute(value, this.#spec.site, this.#origin())) : this.#resolve(value),
      (error) => this.#failed(error),
    );
  }

  fault(_index: number, error: Error, ran: Ran | undefined): void {
    this.#ran = ran ?? this.#ran;
    this.#failed(attributeFault(error, this.#spec.site, this.#origin()));
  }

  stream(_index: number, event: StreamEvent, ran: Ran): void {
    this.#ran = ran;
    if (event.step === 'open') {
      const ticket = this.#ticket;
      this.#stream = new ResultStream({
        credit: (count) => ticket?.credit(count),
        cancel: () => ticket?.cancel(new Error('the reader of this generator has gone')),
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
    this.#spec.core.decode(
      event.body,
      (value) => {
        if (step === 'value') this.#stream?.value(value);
        else this.#failed(attribute(value, this.#spec.site, this.#origin()));
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
      this.#spec.core.retried += 1;
      try {
        this.#submit?.(delay);
        return;
      } catch {
        // The pool was stopped meanwhile: the task's own error says more.
      }
    }
    this.#end('failed');
    this.#settle.reject(error);
  }

  #retryDelay(error: unknown): number | undefined {
    const { retries, deadline } = this.#spec.options;
    if (deadline !== undefined && performance.now() - this.#submitted >= deadline) return undefined;
    try {
      return retryDelay(retries, error, this.#attempt);
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
    this.#close?.();
    if (this.#onAbort !== undefined) this.#spec.options.signal?.removeEventListener('abort', this.#onAbort);
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

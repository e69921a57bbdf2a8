/**
 * The engine inside a worker: every call goes to the pool that the worker belongs to, so that nested calls share
 * one set of workers. A task that has calls under way gives its place back until they are done.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import type { AssetStore } from '../../codec/index.js';
import { EngineError, PoolClosedError } from '../../errors.js';
import { fromWire, type NestedReply, toWire } from '../../protocol/index.js';
import { currentTask, type Waits, type WorkerRuntime } from '../../worker/index.js';
import type {
  Engine,
  EngineOperation,
  EngineStats,
  JobPhase,
  JobSpec,
  JobTicket,
  OperationSpec,
} from '../engine.js';
import { streamEvent } from '../stream-event.js';

interface Asked {
  readonly spec: JobSpec;
  /** Of the task that made the call, which waits for it, and the slot it runs in. */
  readonly waits: Waits | undefined;
  readonly slot: number;
  /** The context of that task: an answer may lead to more calls, which are its own, whoever takes the answer. */
  readonly within: (act: () => void) => void;
  open: number;
  started: boolean;
}

export class NestedEngine implements Engine {
  readonly size: number;
  readonly apart: boolean;
  /** Each call is on its way when `run` returns: the task may wait for what it does without a turn of the event loop. */
  readonly burst = 1;
  readonly refs: WorkerRuntime['refs'];
  readonly #runtime: WorkerRuntime;
  readonly #assets: AssetStore;
  readonly #asked = new Map<number, Asked>();
  #nextOperation = 1;
  #nextJob = 1;

  constructor(runtime: WorkerRuntime) {
    this.#runtime = runtime;
    this.#assets = runtime.assets;
    this.size = runtime.workers;
    this.refs = runtime.refs;
    this.apart = runtime.apart;
    runtime.onReply = (reply) => this.#answered(reply);
  }

  operation(spec: OperationSpec): EngineOperation {
    const id = this.#nextOperation++;
    const { fn, ...head } = spec;
    this.#runtime.request({
      ask: 'operation',
      head: { id, ...head },
      fn: fn === undefined ? undefined : toWire(fn, this.#runtime.known),
    });
    return { id, spec, cost: undefined, close: () => this.#runtime.request({ ask: 'close', operation: id }) };
  }

  check(): void {}

  accept(): void {}

  withdraw(): void {}

  expect(): void {}

  submit(spec: JobSpec): JobTicket {
    const job = this.#nextJob++;
    const { packed, offsets } = spec.items;
    const end = spec.from + spec.count;
    const start = offsets[spec.from]!;
    const part = Uint32Array.from(offsets.slice(spec.from, end + 1), (offset) => offset - start);
    const task = currentTask();
    const waits = task === undefined ? undefined : this.#runtime.beginWait(task);
    const slot = task?.slot ?? -1;
    const within = AsyncLocalStorage.snapshot();
    this.#asked.set(job, { spec, waits, slot, within, open: spec.count, started: false });
    // What is moved goes to the pool, which keeps it until it is fetched.
    const moved = spec.keepsParts ? [] : packed.transfer;
    const request = {
      ask: 'submit',
      job,
      slot,
      head: {
        operation: spec.operation.id,
        base: spec.base,
        count: spec.count,
        attempt: spec.attempt,
        limit: spec.chunkLimit,
        task: spec.task,
        first: spec.first,
      },
      offsets: part,
      body: toWire({ ...packed, bytes: packed.bytes.slice(start, offsets[end]) }, this.#runtime.known),
      keepsParts: spec.keepsParts,
      options: {
        ...spec.limits,
        name: spec.name,
        priority: spec.priority,
        pinned: spec.pinned,
        delay: spec.delay,
      },
    } as const;
    this.#runtime.request(request, moved);
    return this.#ticket(job);
  }

  #ticket(job: number): JobTicket {
    const asked = this.#asked.get(job)!;
    const phase = (): JobPhase => (!this.#asked.has(job) ? 'over' : asked.started ? 'running' : 'pending');
    return {
      phase,
      explain: () => (phase() === 'over' ? 'it is over' : 'it is with the pool of this worker'),
      startedAt: () => 0,
      running: () => undefined,
      worker: () => -1,
      cancel: () => {
        if (!this.#asked.has(job)) return;
        this.#runtime.request({ ask: 'cancel', job, index: undefined });
        this.#over(job, asked);
      },
      cancelItem: (index) => {
        if (!this.#asked.has(job)) return;
        this.#runtime.request({ ask: 'cancel', job, index });
        this.#told(job, asked);
      },
      credit: (index, count) => this.#runtime.request({ ask: 'credit', job, index, count }),
    };
  }

  #answered(reply: NestedReply): void {
    const asked = this.#asked.get(reply.job);
    if (asked !== undefined) asked.within(() => this.#answer(asked, reply));
  }

  #answer(asked: Asked, reply: NestedReply): void {
    const { sink } = asked.spec;
    switch (reply.is) {
      case 'result': {
        const ran = { worker: reply.worker, startedAt: 0, finishedAt: performance.now() };
        const body = fromWire(reply.body, this.#assets);
        this.#told(reply.job, asked);
        sink.result(reply.index, reply.failed, body, ran);
        return;
      }
      case 'stream': {
        const { part } = reply;
        asked.started = true;
        if (part.step === 'end' || part.step === 'error') this.#told(reply.job, asked);
        sink.stream(reply.index, streamEvent(part, this.#assets), {
          worker: reply.worker,
          startedAt: 0,
          finishedAt: 0,
        });
        return;
      }
      case 'progress':
        asked.started = true;
        sink.progress(reply.index, reply.done, reply.total);
        return;
      case 'measured':
        sink.measured?.(reply.count, reply.elapsed);
        return;
      default:
        return reply satisfies never;
    }
  }

  #told(job: number, asked: Asked): void {
    asked.open -= 1;
    if (asked.open === 0) this.#over(job, asked);
  }

  #over(job: number, asked: Asked): void {
    this.#asked.delete(job);
    if (asked.waits !== undefined) this.#runtime.endWait(asked.waits, asked.slot);
  }

  stats(): EngineStats {
    const queued = [...this.#asked.values()].reduce((sum, asked) => sum + asked.open, 0);
    return { queued, running: 0, done: 0, failed: 0, workers: this.size, busy: 0, ...this.refs.stats() };
  }

  room(): number {
    return Number.POSITIVE_INFINITY;
  }

  close(): Promise<void> {
    return Promise.reject(
      new EngineError('a task cannot close the pool that it runs in: close it where it was made'),
    );
  }

  terminate(): Promise<void> {
    return Promise.reject(
      new PoolClosedError('a task cannot terminate the pool that it runs in: do it where it was made'),
    );
  }
}

/** What all views of one pool share. */
import {
  type AssetStore,
  isStateless,
  keepBuilt,
  type Packed,
  Packer,
  prepare,
  unpack,
} from '../codec/index.js';
import type { Engine, EngineOperation, JobLimits } from '../engine/index.js';
import { currentWorker } from '../worker/index.js';
import type { CallBurst } from './call-burst.js';
import type { TaskOptions } from './options.js';

/** Between asking a running task to stop and stopping its worker, in ms. */
export const DEFAULT_GRACE = 100;

/** Decodes a result: at once where nothing has to be imported first. */
export type Decode = (body: Packed, then: (value: unknown) => void, failed: (error: unknown) => void) => void;

/** A call that is accepted and not sent yet. */
export interface WaitingCall {
  /** The pool is stopped. */
  refused(error: unknown): void;
}

export interface PoolCore {
  readonly engine: Engine;
  readonly name: string;
  /** Something runs in every worker before its first task. */
  readonly hasInit: boolean;
  /** Workers are started with flags of their own. */
  readonly ownFlags: boolean;
  /** What results are decoded with. */
  readonly assets: AssetStore;
  readonly decode: Decode;
  retried: number;
  readonly calls: CallOperations;
  /** Calls that were made and not sent yet; whoever asks the engine for anything else sends them first. */
  pending: CallBurst | undefined;
  /** Calls that were sent at once in this go. */
  sent: number;
  /** Calls that wait for their arguments. */
  readonly waiting: Set<WaitingCall>;
}

/** Sends the calls that were held back to be sent as one. */
export function sendPending({ pending }: Pick<PoolCore, 'pending'>): void {
  pending?.send();
}

export function openCall(engine: Engine, seed: number | undefined, fn?: Packed): EngineOperation {
  return engine.operation({
    kind: 'call',
    seed: seed ?? randomSeed(),
    seeded: seed !== undefined,
    timed: true,
    unboundedStreams: false,
    quiet: false,
    fn,
  });
}

/** Functions whose copies calls share, at most, and their size in bytes. */
const MOST_FUNCTIONS = 256;
const MOST_BYTES = 4096;

/** The operations of `run`s that ask for no seed: one for each function that calls may share, one for all others. */
export class CallOperations {
  readonly #engine: Engine;
  /** Made once for each function, if at all; a function that nobody has any more takes its operation along. */
  readonly #made = new WeakMap<Function, EngineOperation>();
  readonly #gone = new FinalizationRegistry<EngineOperation>((operation) => this.#close(operation));
  /** Those that are open, least recently made first. */
  readonly #open = new Set<EngineOperation>();
  /** Called before: a function that is called once only is not worth an operation. */
  readonly #seen = new WeakSet<Function>();
  readonly #unfit = new WeakSet<Function>();
  #others: EngineOperation | undefined;

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  /** @throws PoolClosedError */
  of(fn: Function): EngineOperation {
    const known = this.#made.get(fn);
    if (known !== undefined && this.#open.has(known)) return known;
    return this.#shared(fn) ?? this.unshared();
  }

  /** For calls that bring their functions along. */
  unshared(): EngineOperation {
    this.#others ??= openCall(this.#engine, undefined);
    return this.#others;
  }

  #shared(fn: Function): EngineOperation | undefined {
    // Nested calls go one by one: there an operation of its own would cost more than it saves.
    if (this.#engine.burst === 1) return undefined;
    if (!this.#seen.has(fn)) {
      this.#seen.add(fn);
      return undefined;
    }
    if (this.#unfit.has(fn) || !isStateless(fn)) return undefined;
    const packer = new Packer({ exact: true, label: 'fn', apart: this.#engine.apart });
    packer.item(fn);
    const packed = packer.finish();
    if (packed.bytes.length > MOST_BYTES || packed.assets.some(({ kind }) => kind === 'constant')) {
      this.#unfit.add(fn);
      return undefined;
    }
    const operation = openCall(this.#engine, undefined, packed);
    this.#made.set(fn, operation);
    this.#gone.register(fn, operation);
    this.#open.add(operation);
    if (this.#open.size > MOST_FUNCTIONS) this.#close(this.#open.values().next().value!);
    return operation;
  }

  #close(operation: EngineOperation): void {
    if (this.#open.delete(operation)) operation.close();
  }
}

const worker = currentWorker();
// A worker that has the API sends on what it was sent: functions that call themselves in tasks, for one.
if (worker !== undefined) keepBuilt();
/** Numbers of tasks; those that workers give start far apart, so that ids differ in one pool. */
let lastTask = 0;

export function nextTask(): number {
  // Not before the first one: a worker that was started ahead is given its number later.
  if (lastTask === 0 && worker !== undefined) lastTask = (worker.worker + 1) * 1e9;
  lastTask += 1;
  return lastTask;
}

/** Nothing has to be imported or added before it is decoded. */
export function isSelfContained(body: Packed): boolean {
  return body.assets.length === 0 && body.modules.length === 0;
}

export function decoder(assets: AssetStore): Decode {
  return (body, then, failed) => {
    const finish = (whole: Packed): void => {
      let value: unknown;
      try {
        value = unpack(whole, assets);
      } catch (error) {
        failed(error);
        return;
      } finally {
        assets.giveBack(whole.assets);
      }
      then(value);
    };
    const pending = prepare(body, assets);
    if (pending === undefined) return finish(body);
    // The bytes may be a view on memory that is reused after this call.
    const kept = { ...body, bytes: body.bytes.slice() };
    pending.then(() => {
      // What came by its hash may have left the store meanwhile.
      for (const asset of body.assets) assets.add(asset);
      finish(kept);
    }, failed);
  };
}

export function limitsOf(options: TaskOptions): JobLimits {
  return {
    timeout: options.timeout,
    queueTimeout: options.queueTimeout,
    deadline: options.deadline,
    grace: options.grace ?? DEFAULT_GRACE,
  };
}

/** The limits of another attempt, after `spent` ms of the deadline. */
export function limitsLeft(limits: JobLimits, spent: number): JobLimits {
  const { deadline } = limits;
  return deadline === undefined ? limits : { ...limits, deadline: Math.max(1, deadline - spent) };
}

/** A seed for operations that were given none: 48 random bits. */
export function randomSeed(): number {
  return Math.floor(Math.random() * 2 ** 48);
}

/**
 * What parent and worker say to each other: the closed unions of messages and ring records.
 *
 * Two roads lead each way. A *record* in the ring is fast and carries bytes. A *message* on the port carries
 * everything else: assets, transferred buffers, control. Both roads together are one ordered channel: a record
 * names how many messages were sent before it (`MESSAGES`), and the receiver takes those first.
 */
import type { Asset, ModuleRef, ValueHead } from '../codec/index.js';

/** Raised with every change of what follows; a worker of another version is refused. */
export const PROTOCOL_VERSION = 5;

// ---- ring records: words of the header (word 0 is the ring's own) ----------------------------------------

export const KIND = 1;
export const SLOT = 2;
export const INDEX = 3;
/** Number of port messages sent before this record (wraps at 2^32). */
export const MESSAGES = 4;
export const LENGTH = 5;
/** A double at words 6 and 7. */
export const AUX = 6;

/**
 * Parent → worker: a job. The payload is {@link JOB_DOUBLES} doubles (operation, base, count, attempt, limit,
 * task, first), `count + 1` offsets of 4 bytes (padded to 8), and the items' bytes.
 */
export const RECORD_JOB = 1;
export const JOB_DOUBLES = 7;
/** As RECORD_JOB, of items that are numbers: behind the doubles nothing but those, INDEX 4 or 8 bytes each. */
export const RECORD_COLUMN_JOB = 2;

/**
 * Worker → parent: INDEX is the item's place in its job; AUX when it finished, in ms of the worker's clock. The payload is a
 * double, when it began (0 where that is not asked for), and the value's bytes.
 */
export const RECORD_RESULT = 16;
export const RECORD_ERROR = 17;
/** Worker → parent: results of consecutive items, INDEX the first of them; it may still grow. See result-batch.ts. */
export const RECORD_BATCH = 20;
/** As RECORD_BATCH, with times: for operations whose items are timed. */
export const RECORD_TIMED_BATCH = 22;
/** Worker → parent: the result of a job's only item, and the job's end; INDEX its running time in µs, AUX as for a result. */
export const RECORD_ONLY = 21;
/**
 * Worker → parent: results of consecutive items that are numbers (doubles), or nothing at all (LENGTH 0), INDEX the first of
 * them; it may still grow. See result-column.ts.
 */
export const RECORD_COLUMN = 24;
/** In a column: the place in it (0 for INDEX) of the first number that is no integer of 32 bits; {@link ALL_INTEGERS} while there is none. */
export const FIRST_DOUBLE = 7;
export const ALL_INTEGERS = 2 ** 31 - 1;
/** In a batch and a column, instead of AUX: how many results it holds (in a column once it is closed). */
export const COUNT = 6;
/** In COUNT: none follows. */
export const BATCH_CLOSED = 1 << 30;
/** Worker → parent: the job is over; INDEX items have started; AUX is their running time in ms. */
export const RECORD_END = 18;
/** Worker → parent: INDEX 1 is stdout, 2 is stderr; the payload is what was written. */
export const RECORD_OUTPUT = 19;
/** A task begins (index 1) or ends (0) to wait for the pool that it runs in. */
export const RECORD_WAITING = 23;

// ---- payloads ---------------------------------------------------------------------------------------------

/** An encoded value on its way: assets that the receiver has already are named by hash only. */
export interface WirePacked {
  readonly bytes: Uint8Array;
  readonly extras: readonly unknown[];
  readonly assets: readonly Asset[];
  readonly hashes: readonly string[];
  readonly modules: readonly ModuleRef[];
}

/** Numbers one behind the other: integers of 32 bits (none of them -0), or any. */
export type Numbers = Int32Array | Float64Array;

/** What an operation does with each item of its jobs. */
export type OperationKind =
  /** One `run` an item: `[fn, args]`, or `args` where the operation has a function, of which no copy is unlike another. */
  | 'call'
  /** The operation's function is called with `(item, index)`. */
  | 'map'
  /** As `map`, and the results stay in the worker. */
  | 'each'
  /** The item is `[initial, items]`, folded by the operation's function. */
  | 'fold';

/** An operation as a worker sees it: sent to a worker before its first job. */
export interface OperationHead {
  readonly id: number;
  readonly kind: OperationKind;
  readonly seed: number;
  /** The seed was asked for; otherwise each `call` draws from a stream of its own task number. */
  readonly seeded: boolean;
  /** Item starts are stamped in the slot. */
  readonly timed: boolean;
  /** Generator results of a `map` are pushed without waiting for their reader. */
  readonly unboundedStreams: boolean;
  /** Nobody waits for single results: the end of a job is soon enough to be woken for. */
  readonly quiet: boolean;
}

/** When an item began, and when it was over, in ms of the worker's clock; `began` is 0 where that is not asked for. */
export interface ItemTimes {
  began: number;
  over: number;
}

/** Some items of an operation, sent as one. */
export interface JobHead {
  readonly operation: number;
  /** Index of the first item in its operation. */
  readonly base: number;
  readonly count: number;
  /** 1 for the first attempt. */
  readonly attempt: number;
  /** The worker gives the rest of the job back after this time, in ms; 0 for never. */
  readonly limit: number;
  /** The number that the ids of its tasks are made of, with their places among those that were given as one. */
  readonly task: number;
  /** The first item's place among those. */
  readonly first: number;
}

// ---- messages ---------------------------------------------------------------------------------------------

export type ToWorker =
  /** What the jobs after it need. */
  | { readonly type: 'assets'; readonly assets: readonly Asset[]; readonly modules: readonly ModuleRef[] }
  | { readonly type: 'drop'; readonly hashes: readonly string[] }
  /** A value of `put` has ended, which a process does not see by itself. */
  | { readonly type: 'ended'; readonly hash: string; readonly how: number }
  /** The parent is about to drop these: not to be taken for known. Answered by `unlearned`. */
  | { readonly type: 'unlearn'; readonly hashes: readonly string[] }
  | { readonly type: 'operation'; readonly head: OperationHead; readonly fn: WirePacked | undefined }
  | { readonly type: 'forget'; readonly operation: number }
  /** A job that does not fit the ring; claimed by its slot as any other. */
  | {
      readonly type: 'job';
      readonly slot: number;
      readonly head: JobHead;
      readonly offsets: Uint32Array;
      readonly bytes: Uint8Array;
      readonly extras: readonly unknown[];
      /** The items, where they are numbers: then there are no bytes. */
      readonly column: Numbers | undefined;
      /** Parts of the last item are to be fetched when it starts: they can be moved once only. */
      readonly fetch: boolean;
    }
  /** What was fetched, by their places in `extras`; the others are undefined. */
  | { readonly type: 'parts'; readonly slot: number; readonly parts: readonly unknown[] }
  /** `item` is its place in the job; -1 for whichever runs. */
  | { readonly type: 'cancel'; readonly slot: number; readonly item: number; readonly reason: WirePacked }
  | { readonly type: 'credit'; readonly slot: number; readonly count: number }
  | { readonly type: 'reply'; readonly reply: NestedReply }
  /** To a worker that was started ahead, before its first job: the number that it has from now on. */
  | { readonly type: 'number'; readonly worker: number }
  /** Asks a process how much memory it has. Answered by `memory`. */
  | { readonly type: 'measure' }
  | { readonly type: 'stop' };

export type ToParent =
  /** `clock` is when the worker's `performance.now()` was 0, as `clockOrigin` says it. */
  | { readonly type: 'ready'; readonly version: number; readonly clock: number }
  | { readonly type: 'failed'; readonly error: WirePacked }
  | {
      readonly type: 'result';
      readonly slot: number;
      readonly index: number;
      readonly failed: boolean;
      readonly times: ItemTimes;
      readonly body: WirePacked;
    }
  | { readonly type: 'stream'; readonly slot: number; readonly index: number; readonly part: StreamPart }
  | {
      readonly type: 'progress';
      readonly slot: number;
      readonly index: number;
      readonly done: number;
      readonly total: number | undefined;
    }
  /** The last item of a job has started, and asks for its parts. */
  | { readonly type: 'fetch'; readonly slot: number }
  | { readonly type: 'unlearned' }
  | { readonly type: 'memory'; readonly bytes: number }
  | { readonly type: 'output'; readonly stream: 1 | 2; readonly bytes: Uint8Array }
  | { readonly type: 'request'; readonly request: NestedRequest }
  /** Of a process: an error that nobody catches is about to end it. */
  | { readonly type: 'died'; readonly error: WirePacked }
  /** It has heard of its end, and disposes of what it holds; it has done so. */
  | { readonly type: 'stopping' }
  | { readonly type: 'stopped' };

/** A generator's task: begins, yields, and ends or fails. */
export type StreamPart =
  | { readonly step: 'open' }
  | { readonly step: 'value'; readonly body: WirePacked }
  | { readonly step: 'end' }
  | { readonly step: 'error'; readonly body: WirePacked };

/** What a task asks of the pool that it runs in. */
export type NestedRequest =
  | { readonly ask: 'operation'; readonly head: OperationHead; readonly fn: WirePacked | undefined }
  | {
      readonly ask: 'submit';
      readonly job: number;
      /** Slot of the task that asks, or -1. */
      readonly slot: number;
      readonly head: JobHead;
      readonly offsets: Uint32Array;
      readonly body: WirePacked;
      /** The items, where they are numbers: then `body` holds none. */
      readonly column: Numbers | undefined;
      readonly keepsParts: boolean;
      readonly options: NestedOptions;
    }
  /** `index` names one item; without it all are meant. */
  | { readonly ask: 'cancel'; readonly job: number; readonly index: number | undefined }
  | { readonly ask: 'credit'; readonly job: number; readonly index: number; readonly count: number }
  | { readonly ask: 'close'; readonly operation: number }
  /** A value was put in the worker, and a ref to it is there; none is any more; it was freed. */
  | { readonly ask: 'hold'; readonly value: ValueHead; readonly owned: boolean }
  | { readonly ask: 'release'; readonly hash: string }
  | { readonly ask: 'free'; readonly hash: string };

export interface NestedOptions {
  readonly name: string | undefined;
  readonly priority: number;
  readonly pinned: number;
  readonly timeout: number | undefined;
  readonly queueTimeout: number | undefined;
  readonly deadline: number | undefined;
  readonly grace: number;
  readonly delay: number;
}

/** What the pool answers. */
export type NestedReply =
  | {
      readonly job: number;
      readonly is: 'result';
      readonly index: number;
      readonly failed: boolean;
      readonly body: WirePacked;
      readonly worker: number;
    }
  /** Results of consecutive items that are numbers; undefined for `count` results that are nothing. */
  | {
      readonly job: number;
      readonly is: 'column';
      readonly first: number;
      readonly count: number;
      readonly numbers: Float64Array | undefined;
      readonly integers: boolean;
      readonly worker: number;
    }
  | {
      readonly job: number;
      readonly is: 'stream';
      readonly index: number;
      readonly part: StreamPart;
      readonly worker: number;
    }
  | {
      readonly job: number;
      readonly is: 'progress';
      readonly index: number;
      readonly done: number;
      readonly total: number | undefined;
    }
  | { readonly job: number; readonly is: 'measured'; readonly count: number; readonly elapsed: number };

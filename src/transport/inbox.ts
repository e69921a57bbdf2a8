/** The parent's receiving side: takes records and messages in the order in which they were sent. */
import type { AssetStore } from '../codec/index.js';
import { HEADER_WORDS, type Segment } from '../memory/index.js';
import {
  AUX,
  BrokenProtocol,
  fromWire,
  INDEX,
  KIND,
  type Link,
  MESSAGES,
  RECORD_BATCH,
  RECORD_COLUMN,
  RECORD_END,
  RECORD_ERROR,
  RECORD_ONLY,
  RECORD_OUTPUT,
  RECORD_RESULT,
  RECORD_TIMED_BATCH,
  RECORD_WAITING,
  SLOT,
  type ToParent,
  type ToWorker,
  type WirePacked,
} from '../protocol/index.js';
import { type Batch, BatchReader } from './batch.js';
import { Lookout } from './lookout.js';
import { plainBody, type WorkerEvents } from './transport.js';
import { turnIsSpent } from './turn.js';

/** So many are taken between two looks at the clock: each worker's inbox gets on, however many there are. */
const STEP = 64;
/**
 * How long results are looked for at every turn of the event loop before this side waits to be woken, in ms. Looking
 * without a bound would hold off a worker that shares the core.
 */
const LINGER = 0.1;
/** So many results at once mean that more are close behind. */
const THICK = 8;

/** For a worker that may send anything at all. */
export interface Faults {
  /** It is about to end by an error that nobody catches. */
  died(error: WirePacked): void;
  /** What it sends is of no use any more: nothing else is taken of it. */
  broken(error: Error): void;
  /** It has printed something. */
  output(stream: number, bytes: Uint8Array): void;
}

export class Inbox {
  readonly #link: Link<ToWorker, ToParent>;
  readonly #events: WorkerEvents;
  readonly #assets: AssetStore;
  readonly #onReady: (version: number, clock: number) => void;
  readonly #faults: Faults | undefined;
  readonly #batch: BatchReader;
  /** Records and results taken so far. */
  #taken = 0;
  #planned = false;
  #pause: NodeJS.Timeout | undefined;
  #closed = false;
  #broken = false;
  /** Results are expected soon enough to look for them. */
  #hot = false;
  readonly #lookout = new Lookout();
  #lookUntil = 0;

  constructor(
    link: Link<ToWorker, ToParent>,
    segment: Pick<Segment, 'started'>,
    events: WorkerEvents,
    assets: AssetStore,
    onReady: (version: number, clock: number) => void,
    faults?: Faults,
  ) {
    this.#link = link;
    this.#faults = faults;
    this.#batch = new BatchReader(link.reader.ring, segment, faults !== undefined);
    this.#events = events;
    this.#assets = assets;
    this.#onReady = onReady;
  }

  /** A message came by the port: what was published before it comes first. */
  message(message: ToParent): void {
    this.#inOrder(message);
    this.drain();
  }

  #inOrder(message: ToParent): void {
    // Not counted yet: records that were published after it are not due.
    this.#records(Number.POSITIVE_INFINITY, true);
    if (!this.#broken) this.#guarded(() => this.#link.arrived(message));
  }

  /** Jobs were sent: results are expected after `ms`, or at any time where that is not known. */
  expect(ms: number | undefined): void {
    this.#hot = ms === undefined || ms < LINGER;
    if (!this.#hot) return;
    const now = performance.now();
    this.#lookout.begin(now);
    if (this.#pause !== undefined) this.#plan();
    if (!this.#lookout.looks) return;
    this.#lookUntil = now + LINGER;
    this.#plan();
  }

  /**
   * Takes what is there, a burst at a time. Then, while that is likely to pay, it looks again at the next turn of the event
   * loop; else it parks. Where results come thick and fast without being waited for one by one, it is woken by the end of
   * a job or in a millisecond, not by every one of them.
   */
  drain(): void {
    if (this.#planned || this.#closed) return;
    const { own } = this.#link.parts;
    own.withdraw();
    clearTimeout(this.#pause);
    this.#pause = undefined;
    const before = this.#taken;
    this.#link.pump();
    const all = this.#burst() && this.#messages();
    // What was taken may have ended the worker.
    if (this.#closed) return;
    const took = this.#taken - before;
    if (!all || (this.#hot && this.#looksOn(took))) return this.#plan();
    const thick = took >= THICK;
    if (thick && this.#hot) return this.#plan();
    const seen = thick ? own.announceLoosely() : own.announce();
    // Results of an open batch that came meanwhile can wait for the pause; whatever else came cannot.
    const nothing = this.#link.reader.empty || (thick ? this.#batch.open : this.#batch.waits);
    const more = this.#link.hasMessages || this.#link.pump();
    if (nothing && !more && own.arm(seen, this.#rung)) {
      if (thick) this.#pause = setTimeout(this.#rung, 1);
      return;
    }
    own.withdraw();
    this.#plan();
  }

  readonly #rung = (): void => this.drain();

  /** Takes records until none is left (then true), or they have taken their share of this turn. */
  #burst(): boolean {
    for (;;) {
      const before = this.#taken;
      if (this.#records(STEP, false)) return true;
      if (turnIsSpent(this.#taken - before)) return false;
    }
  }

  #looksOn(took: number): boolean {
    const now = performance.now();
    if (took > 0) {
      this.#lookout.end(now);
      if (this.#lookout.looks) this.#lookUntil = now + LINGER;
    }
    return now < this.#lookUntil;
  }

  #plan(): void {
    if (this.#planned) return;
    this.#planned = true;
    setImmediate(() => {
      this.#planned = false;
      this.drain();
    });
  }

  /** Takes all that is there now. What comes meanwhile is left: a worker that is faster than this side would never end it. */
  look(): void {
    if (this.#closed) return;
    if (this.#records(Number.POSITIVE_INFINITY, false, this.#link.reader.published)) this.#messages();
  }

  /** Takes messages that no event tells of, each after the records that were published before it. */
  #messages(): boolean {
    while (this.#link.hasMessages && !this.#closed) {
      const message = this.#guarded(() => this.#link.poll());
      if (message === undefined) break;
      this.#inOrder(message);
    }
    return true;
  }

  /** `act`; where the worker is not to be trusted and has sent what is none of its protocol, it is done with. */
  #guarded<R>(act: () => R): R | undefined {
    try {
      return act();
    } catch (error) {
      if (this.#faults === undefined) throw error;
      this.#closed = true;
      clearTimeout(this.#pause);
      this.#broken = true;
      this.#faults.broken(error as Error);
      return undefined;
    }
  }

  /** The worker is gone: takes all that it left. */
  drainAll(): void {
    this.#closed = true;
    clearTimeout(this.#pause);
    this.#records(Number.POSITIVE_INFINITY, false);
    if (!this.#broken) this.#guarded(() => this.#link.takeMessages());
    this.#records(Number.POSITIVE_INFINITY, false);
    this.#link.parts.own.disarm();
  }

  /**
   * Handles up to `most` records, or those before position `until`; true where none is left (or, if `onlyDue`, none that is
   * due before a message).
   */
  #records(most: number, onlyDue: boolean, until?: number): boolean {
    if (this.#broken) return true;
    if (this.#faults === undefined) return this.#take(most, onlyDue, until);
    return this.#guarded(() => this.#take(most, onlyDue, until)) ?? true;
  }

  #take(most: number, onlyDue: boolean, until?: number): boolean {
    const link = this.#link;
    const { reader } = link;
    const enough = this.#taken + most;
    while (this.#taken < enough) {
      if (until !== undefined && reader.position === until) return true;
      const header = reader.next();
      if (header < 0) return true;
      if (onlyDue && ((reader.ring.words[header + MESSAGES]! - link.received) | 0) > 0) return true;
      link.catchUp(header);
      const kind = reader.ring.words[header + KIND];
      if (kind === RECORD_BATCH || kind === RECORD_TIMED_BATCH || kind === RECORD_COLUMN) {
        if (!this.#batch.read(header, this.#results)) return true;
        reader.release(header);
        continue;
      }
      this.#taken += 1;
      try {
        this.#record(header);
      } finally {
        reader.release(header);
      }
    }
    return false;
  }

  readonly #results = (slot: number, first: number, batch: Batch): void => {
    this.#taken += batch.count;
    this.#events.results(slot, first, batch);
  };

  #record(header: number): void {
    const { ring } = this.#link.reader;
    const kind = ring.words[header + KIND]!;
    const slot = ring.words[header + SLOT]!;
    const index = ring.words[header + INDEX]!;
    const aux = ring.doubles[(header + AUX) >> 1]!;
    switch (kind) {
      case RECORD_RESULT:
      case RECORD_ERROR:
        this.#events.result(
          slot,
          index,
          kind === RECORD_ERROR,
          plainBody(this.#link.payload(header).subarray(8)),
          {
            began: ring.doubles[(header + HEADER_WORDS) >> 1]!,
            over: aux,
          },
        );
        return;
      case RECORD_ONLY:
        this.#events.result(slot, 0, false, plainBody(this.#link.payload(header)), {
          began: aux - index / 1000,
          over: aux,
        });
        this.#events.end(slot, 1, index / 1000);
        return;
      case RECORD_END:
        this.#events.end(slot, index, aux);
        return;
      case RECORD_WAITING:
        this.#events.waiting(slot, index === 1);
        return;
      case RECORD_OUTPUT:
        this.#print(index, this.#link.payload(header).slice());
        return;
      default:
        throw new BrokenProtocol(`a worker sent a record of unknown kind ${kind}`);
    }
  }

  #print(stream: number, bytes: Uint8Array): void {
    this.#faults?.output(stream, bytes);
    (stream === 2 ? process.stderr : process.stdout).write(bytes);
  }

  /** To be given to the link: one message, in order. */
  handle(message: ToParent): void {
    const events = this.#events;
    switch (message.type) {
      case 'ready':
        this.#onReady(message.version, message.clock);
        return;
      case 'failed':
        events.failed(fromWire(message.error, this.#assets));
        return;
      case 'result':
        events.result(
          message.slot,
          message.index,
          message.failed,
          fromWire(message.body, this.#assets),
          message.times,
        );
        return;
      case 'stream':
        events.stream(message.slot, message.index, message.part);
        return;
      case 'fetch':
        events.fetch(message.slot);
        return;
      case 'progress':
        events.progress(message.slot, message.index, message.done, message.total);
        return;
      case 'output':
        this.#print(message.stream, message.bytes);
        return;
      case 'request':
        events.request(message.request);
        return;
      case 'unlearned':
        events.unlearned();
        return;
      case 'memory':
        events.memory(message.bytes);
        return;
      case 'stopping':
        events.stopping();
        return;
      case 'stopped':
        events.stopped();
        return;
      case 'died':
        this.#faults?.died(message.error);
        return;
      default:
        message satisfies never;
        throw new BrokenProtocol('a worker sent a message of unknown type');
    }
  }
}

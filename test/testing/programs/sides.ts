/** The two sides of a channel: real links, a worker's outbox, a parent's inbox and event loop. */
import assert from 'node:assert/strict';
import type { MessagePort } from 'node:worker_threads';
import { type Ring, RingReader, RingWriter, Segment } from '#simul/memory/index.js';
import { Link, RECORD_JOB, RingPort, type ToParent, type ToWorker } from '#simul/protocol/index.js';
import type { Port, Scenario, Stage } from '#simul/testing/index.js';
import { type Batch, forEntries } from '#simul/transport/batch.js';
import { Inbox } from '#simul/transport/inbox.js';
import { Outbox } from '#simul/worker/outbox.js';
import { unpack } from './codec-stub.js';

/** In bytes: it holds two messages, each of two records. */
const MESSAGE_RING = 256;

/** What the parent was told, in order. */
export class Told {
  readonly values: string[] = [];
  ends = 0;
  answer: () => void = () => {};

  constructor(readonly ended: (ends: number) => void) {}

  results(slot: number, first: number, batch: Batch): void {
    let index = first;
    if (batch.kind === 'column') {
      for (let i = 0; i < batch.count; i++) {
        const value = batch.numbers === undefined ? 'nothing' : batch.numbers[i];
        this.values.push(`${slot}:${index++}=${value}${batch.integers ? '' : '.'}`);
      }
      return this.answer();
    }
    forEntries(batch, (from, _to, ran) => {
      if (batch.timed) assert.deepEqual([batch.since > 0, ran], [true, 1]);
      this.values.push(`${slot}:${index++}=${unpack(batch.bytes, from)}`);
    });
    this.answer();
  }

  result(slot: number, index: number, _failed: boolean, body: { bytes: Uint8Array }): void {
    this.values.push(`${slot}:${index}=${unpack(body.bytes, 0)}`);
  }

  end(slot: number, started: number): void {
    this.values.push(`${slot}:end ${started}`);
    this.ends += 1;
    this.ended(this.ends);
  }

  progress(slot: number, index: number, done: number): void {
    this.values.push(`${slot}:${index} at ${done}`);
    this.answer();
  }
}

export class Channel {
  readonly toParent: Port;
  readonly toWorker: Port;
  readonly names: NonNullable<Scenario['names']>;
  readonly #buffers;
  /** Of processes: messages go by rings, and the ports wake event loops only. */
  readonly #messages: { readonly down: SharedArrayBuffer; readonly up: SharedArrayBuffer } | undefined;

  constructor(stage: Stage, ringBytes: number, ofProcesses = false) {
    const [toParent, toWorker] = stage.channel();
    this.toParent = toParent;
    this.toWorker = toWorker;
    if (ofProcesses) {
      this.#messages = {
        down: new SharedArrayBuffer(MESSAGE_RING),
        up: new SharedArrayBuffer(MESSAGE_RING),
      };
    }
    this.#buffers = {
      control: new SharedArrayBuffer(768),
      submission: new SharedArrayBuffer(ringBytes),
      completion: new SharedArrayBuffer(ringBytes),
      slots: new SharedArrayBuffer(64),
    };
    const control = new Int32Array(this.#buffers.control);
    this.names = [
      [control, 0, 'submission head'],
      [control, 16, 'submission tail'],
      [control, 32, 'completion head'],
      [control, 33, 'worker waits for room'],
      [control, 48, 'completion tail'],
      [control, 64, 'PARKED of the worker'],
      [control, 80, 'BELL of the worker'],
      [control, 96, 'PARKED of the parent'],
      [control, 112, 'BELL of the parent'],
      [control, 128, 'head of messages to the worker'],
      [control, 129, 'parent waits for room'],
      [control, 144, 'tail of messages to the worker'],
      [control, 160, 'head of messages to the parent'],
      [control, 161, 'worker waits for room for a message'],
      [control, 176, 'tail of messages to the parent'],
    ];
  }

  /** A side's own views. */
  newSegment(): Segment {
    if (this.#messages === undefined) return new Segment(this.#buffers);
    const buffers = { ...this.#buffers, ...this.#messages } as unknown as ConstructorParameters<
      typeof Segment
    >[0];
    return new Segment(buffers, {
      wakeParent: () => this.toParent.postMessage('ring'),
      wakeWorker: () => this.toWorker.postMessage('ring'),
    });
  }

  /** What carries messages: a port, or the rings `out` and `back`. */
  #port(port: Port, out: Ring | undefined, back: Ring | undefined, ring: () => void, patience?: number) {
    if (out === undefined || back === undefined) return port as unknown as MessagePort;
    return new RingPort({ writer: new RingWriter(out), reader: new RingReader(back), ring, patience });
  }

  parent(handle: (message: ToParent) => void): Link<ToWorker, ToParent> {
    const segment = this.newSegment();
    const { parentBell: own, workerBell: peer, up, down } = segment;
    const [writer, reader] = [new RingWriter(segment.submission), new RingReader(segment.completion)];
    const port = this.#port(this.toWorker, down, up, () => peer.ring());
    return new Link({ port, writer, reader, own, peer }, handle);
  }

  worker(handle: (message: ToWorker) => void): Link<ToParent, ToWorker> {
    const segment = this.newSegment();
    const { parentBell: peer, workerBell: own, up, down } = segment;
    const [writer, reader] = [new RingWriter(segment.completion), new RingReader(segment.submission)];
    const port = this.#port(this.toParent, up, down, () => peer.ring(), 50);
    return new Link({ port, writer, reader, own, peer }, handle);
  }
}

/** A parent with an inbox. */
export class Parent {
  readonly told: Told;
  readonly link: Link<ToWorker, ToParent>;
  readonly inbox: Inbox;
  readonly #port: Port;

  constructor(channel: Channel, ended: (ends: number) => void) {
    this.told = new Told(ended);
    this.link = channel.parent((message) => this.inbox.handle(message));
    this.inbox = new Inbox(
      this.link,
      channel.newSegment(),
      this.told as unknown as ConstructorParameters<typeof Inbox>[2],
      undefined as never,
      () => {},
    );
    this.#port = channel.toWorker;
  }

  listen(): void {
    const { own, port } = this.link.parts;
    const ofProcesses = port instanceof RingPort;
    this.#port.on('message', (message) => {
      if (ofProcesses) own.heard();
      else this.inbox.message(message as ToParent);
    });
    this.inbox.drain();
  }

  post(slot: number, items: number): void {
    assert.ok(this.link.reserve({ kind: RECORD_JOB, slot, index: items }, 0) >= 0);
    this.link.publish();
  }
}

export const TIMES = { began: 1, over: 2 };
export const MANNER = { left: 1, times: undefined, owned: false, quiet: false };

/** A worker that sends and a parent that listens until the first job is over. */
export class Session {
  readonly channel: Channel;
  readonly parent: Parent;
  readonly link: Link<ToParent, ToWorker>;
  readonly outbox: Outbox;
  readonly #stage: Stage;
  #over = false;

  /** `take`: what the worker does with a message. */
  constructor(stage: Stage, ringBytes: number, take: () => void = () => {}, ofProcesses = false) {
    this.#stage = stage;
    this.channel = new Channel(stage, ringBytes, ofProcesses);
    this.parent = new Parent(this.channel, () => {
      this.#over = true;
    });
    this.link = this.channel.worker(take);
    this.outbox = new Outbox(this.link, new Set(), () => {});
  }

  /** The scenario in which the worker does `work`. */
  with(work: () => void, check: () => void, begin: () => void = () => {}): Scenario {
    return {
      names: this.channel.names,
      actors: {
        worker: work,
        parent: () => {
          this.parent.listen();
          begin();
          while (!this.#over) this.#stage.turn();
        },
      },
      check,
    };
  }

  told(expected: string): void {
    assert.equal(this.parent.told.values.join(', '), expected);
  }
}

/** The channel as the two sides use it: real links, a worker's outbox and parking, a parent's inbox and event loop. */
import assert from 'node:assert/strict';
import type { MessagePort } from 'node:worker_threads';
import { type Ring, RingReader, RingWriter, Segment } from '#simul/memory/index.js';
import { INDEX, Link, RECORD_JOB, RingPort, type ToParent, type ToWorker } from '#simul/protocol/index.js';
import type { Port, Scenario, Stage } from '#simul/testing/index.js';
import { type Batch, forEntries } from '#simul/transport/batch.js';
import { Inbox } from '#simul/transport/inbox.js';
import { Outbox } from '#simul/worker/outbox.js';
import { Parking } from '#simul/worker/parking.js';
import { unpack } from './codec-stub.js';

/** In bytes: it holds two messages, each of two records. */
const MESSAGE_RING = 256;

/** What the parent was told, in order. */
class Told {
  readonly values: string[] = [];
  ends = 0;
  answer: () => void = () => {};

  constructor(readonly ended: (ends: number) => void) {}

  results(slot: number, first: number, batch: Batch): void {
    let index = first;
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

class Channel {
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

  /** The segment as one of the sides sees it. */
  #segment(): Segment {
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
    const segment = this.#segment();
    const { parentBell: own, workerBell: peer, up, down } = segment;
    const [writer, reader] = [new RingWriter(segment.submission), new RingReader(segment.completion)];
    const port = this.#port(this.toWorker, down, up, () => peer.ring());
    return new Link({ port, writer, reader, own, peer }, handle);
  }

  worker(handle: (message: ToWorker) => void): Link<ToParent, ToWorker> {
    const segment = this.#segment();
    const { parentBell: peer, workerBell: own, up, down } = segment;
    const [writer, reader] = [new RingWriter(segment.completion), new RingReader(segment.submission)];
    const port = this.#port(this.toParent, up, down, () => peer.ring(), 50);
    return new Link({ port, writer, reader, own, peer }, handle);
  }
}

/** A parent with an inbox. */
class Parent {
  readonly told: Told;
  readonly link: Link<ToWorker, ToParent>;
  readonly inbox: Inbox;
  readonly #port: Port;

  constructor(channel: Channel, ended: (ends: number) => void) {
    this.told = new Told(ended);
    this.link = channel.parent((message) => this.inbox.handle(message));
    this.inbox = new Inbox(
      this.link,
      this.told as unknown as ConstructorParameters<typeof Inbox>[1],
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

const TIMES = { began: 1, over: 2 };
const MANNER = { left: 1, times: undefined, owned: false, quiet: false };

/** A worker that sends and a parent that listens until the first job is over. */
class Session {
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

/** Results of a job, then its end; the parent is woken as it may be. */
function resultsOf(
  stage: Stage,
  items: number,
  hot: boolean,
  ringBytes: number,
  times?: typeof TIMES,
): Scenario {
  const session = new Session(stage, ringBytes);
  const { outbox, parent } = session;
  return session.with(
    () => {
      for (let item = 0; item < items; item++)
        outbox.result(7, item, 100 + item, { ...MANNER, left: items - item, times });
      outbox.end(7, items, 0);
    },
    () => {
      const { values } = parent.told;
      assert.equal(values.length, items + 1);
      for (let item = 0; item < items; item++) assert.equal(values[item], `7:${item}=${100 + item}`);
      assert.equal(values[items], `7:end ${items}`);
    },
    () => {
      if (hot) parent.inbox.expect(undefined);
    },
  );
}

/** As {@link resultsOf}, with times; the ring holds what a job of one item has. */
export const timedResults = (stage: Stage): Scenario => resultsOf(stage, 2, false, 256, TIMES);

/** A result that is its job's end too. */
export function onlyResult(stage: Stage): Scenario {
  const session = new Session(stage, 256);
  return session.with(
    () => assert.ok(session.outbox.tryOnly(7, 100, TIMES, false)),
    () => session.told('7:0=100, 7:end 1'),
  );
}

export const oneResult = (stage: Stage): Scenario => resultsOf(stage, 1, false, 256);
export const results = (stage: Stage): Scenario => resultsOf(stage, 2, false, 256);
export const hotResults = (stage: Stage): Scenario => resultsOf(stage, 3, true, 256);
/** The completion ring holds less than that: the worker waits for room. */
export const crowdedResults = (stage: Stage): Scenario => resultsOf(stage, 3, false, 64);

/** A message between two results keeps its place. */
const inOrder = (stage: Stage, ofProcesses: boolean): Scenario => {
  const session = new Session(stage, 256, undefined, ofProcesses);
  const { outbox } = session;
  return session.with(
    () => {
      outbox.result(7, 0, 100, { ...MANNER, left: 2 });
      outbox.message({
        type: 'progress',
        slot: 7,
        index: 1,
        done: 5,
        total: undefined,
      } as unknown as ToParent);
      outbox.end(7, 2, 0);
    },
    () => session.told('7:0=100, 7:1 at 5, 7:end 2'),
  );
};
export const ordered = (stage: Stage): Scenario => inOrder(stage, false);
export const orderedByRings = (stage: Stage): Scenario => inOrder(stage, true);

/** A message is all that comes, until it is answered. */
export function messageAnswered(stage: Stage): Scenario {
  let stopped = false;
  const session = new Session(
    stage,
    256,
    () => {
      stopped = true;
    },
    true,
  );
  const { channel, link, outbox, parent } = session;
  parent.told.answer = () => parent.link.send({ type: 'stop' });
  const wait = (): void => {
    const { own } = link.parts;
    for (;;) {
      link.takeMessages();
      if (stopped) return;
      const seen = own.announce();
      if (!link.hasMessages && own.arm(seen, wait)) return;
      own.withdraw();
    }
  };
  return session.with(
    () => {
      channel.toParent.on('message', () => link.parts.own.heard());
      outbox.message({ type: 'progress', slot: 7, index: 0, done: 5, total: undefined });
      wait();
      while (!stopped) stage.turn();
      outbox.end(7, 1, 0);
    },
    () => session.told('7:0 at 5, 7:end 1'),
  );
}

/** More messages than the ring holds, and results between them: the worker waits for room. */
export function crowdedMessages(stage: Stage): Scenario {
  const session = new Session(stage, 256, undefined, true);
  const { outbox } = session;
  const progress = (done: number): void =>
    outbox.message({ type: 'progress', slot: 7, index: 1, done, total: undefined });
  return session.with(
    () => {
      progress(4);
      progress(5);
      outbox.result(7, 0, 100, { ...MANNER, left: 2 });
      progress(6);
      outbox.end(7, 1, 0);
    },
    () => session.told('7:1 at 4, 7:1 at 5, 7:0=100, 7:1 at 6, 7:end 1'),
  );
}

/** The parent says more than the ring holds, and a job after it; the worker, which waits without blocking, takes all in order. */
export function crowdedParent(stage: Stage): Scenario {
  const channel = new Channel(stage, 256, true);
  const taken: string[] = [];
  let over = false;
  const parent = new Parent(channel, () => {
    over = true;
  });
  const link = channel.worker((message) => {
    taken.push((message as unknown as { done: number }).done.toString());
  });
  const outbox = new Outbox(link, new Set(), () => {});
  const wait = (): void => {
    const { own } = link.parts;
    for (;;) {
      link.takeMessages();
      if (taken.length === 3) {
        outbox.end(7, 1, 0);
        return;
      }
      const seen = own.announce();
      if (!link.hasMessages && own.arm(seen, wait)) return;
      own.withdraw();
    }
  };
  return {
    names: channel.names,
    actors: {
      worker() {
        channel.toParent.on('message', () => link.parts.own.heard());
        wait();
        while (taken.length < 3) stage.turn();
      },
      parent() {
        parent.listen();
        for (let done = 1; done <= 3; done++) {
          parent.link.send({ type: 'progress', slot: 7, index: 1, done } as unknown as ToWorker);
        }
        while (!over) stage.turn();
      },
    },
    check: () => assert.equal(taken.join(','), '1,2,3'),
  };
}

/** The worker goes on only once the parent has answered to its first result, which shares an open batch. */
export function answered(stage: Stage): Scenario {
  let answers = 0;
  const session = new Session(stage, 256, () => {
    answers += 1;
  });
  const { channel, link, outbox, parent } = session;
  parent.told.answer = () => {
    if (parent.told.values.length === 2) parent.link.send({ type: 'stop' });
  };
  return session.with(
    () => {
      channel.toParent.on('message', (message) => link.arrived(message as ToWorker));
      outbox.result(7, 0, 100, { ...MANNER, left: 2 });
      outbox.result(7, 1, 101, { ...MANNER, left: 1 });
      while (answers === 0) stage.turn();
      outbox.end(7, 2, 0);
    },
    () => session.told('7:0=100, 7:1=101, 7:end 2'),
  );
}

/** Both sides wait for each other: the worker for jobs (and a message to stop), the parent for results. */
function conversation(stage: Stage, jobs: number, mayBlock: boolean, ofProcesses = false): Scenario {
  const channel = new Channel(stage, 256, ofProcesses);
  let over = false;
  let stopped = false;
  const parent = new Parent(channel, (ends) => {
    if (ends < jobs) return parent.post(ends, 1);
    over = true;
    parent.link.send({ type: 'stop' });
  });
  const link = channel.worker(() => {
    stopped = true;
  });
  const outbox = new Outbox(link, new Set(), () => {});
  const pump = () => {
    for (;;) {
      if (stopped) return parking.busy();
      const header = link.reader.next();
      if (header < 0) {
        if (link.hasMessages && link.takeMessages()) continue;
        if (parking.wait(mayBlock)) continue;
        return;
      }
      link.catchUp(header);
      const slot = link.reader.ring.words[header + INDEX - 1]!;
      link.reader.release(header);
      outbox.result(slot, 0, 100 + slot, { ...MANNER, left: 1 });
      outbox.end(slot, 1, 0);
    }
  };
  const parking = new Parking({
    bell: link.parts.own,
    reader: link.reader,
    channel: ofProcesses ? 'PipeWrap' : 'MessagePort',
    hasMessages: () => link.hasMessages,
    takeMessages: () => link.takeMessages(),
    woken: () => pump(),
  });
  return {
    names: channel.names,
    actors: {
      worker() {
        channel.toParent.on('message', (message) => {
          if (ofProcesses) return link.parts.own.heard();
          link.arrived(message as ToWorker);
          pump();
        });
        pump();
        while (!stopped) stage.turn();
      },
      parent() {
        parent.listen();
        parent.post(0, 1);
        while (!over) stage.turn();
      },
    },
    check() {
      let expected = '';
      for (let job = 0; job < jobs; job++) expected += `${job}:0=${100 + job},${job}:end 1,`;
      assert.equal(`${parent.told.values.join(',')},`, expected);
    },
  };
}

export const blockingWorker = (stage: Stage): Scenario => conversation(stage, 1, true);
export const loopingWorker = (stage: Stage): Scenario => conversation(stage, 1, false);
export const blockingProcess = (stage: Stage): Scenario => conversation(stage, 1, true, true);
export const loopingProcess = (stage: Stage): Scenario => conversation(stage, 1, false, true);
export const twoJobs = (stage: Stage): Scenario => conversation(stage, 2, true);

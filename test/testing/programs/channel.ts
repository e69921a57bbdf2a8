/** The channel as the two sides use it: real links, a worker's outbox and parking, a parent's inbox and event loop. */
import assert from 'node:assert/strict';
import { INDEX, type ToParent, type ToWorker } from '#simul/protocol/index.js';
import type { Scenario, Stage } from '#simul/testing/index.js';
import { Outbox } from '#simul/worker/outbox.js';
import { Parking } from '#simul/worker/parking.js';
import { Channel, MANNER, Parent, Session, TIMES } from './sides.js';

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

/** Items that are numbers as a worker runs them (its own loop, its own outbox), and the parent reads what comes of them. */
import assert from 'node:assert/strict';
import { CLOSED, type Segment } from '#simul/memory/index.js';
import type { ToWorker } from '#simul/protocol/index.js';
import type { Scenario, Stage } from '#simul/testing/index.js';
import { type ColumnJob, runColumn, Stop } from '#simul/worker/column-loop.js';
import { MANNER, Session } from './sides.js';

const SLOT = 1;

type Fn = (item: number) => unknown;

interface Kind {
  readonly items: number;
  readonly fn: Fn;
  /** Somebody waits for each. */
  readonly rings: boolean;
  /** Items after which the clock is looked at. */
  readonly until?: number;
}

/** Runs the job to its end; `over` is told how many items have begun. */
function work(session: Session, segment: Segment, { items, fn, rings, until = items }: Kind): void {
  const { outbox } = session;
  const stop = new Stop();
  const job = {
    host: {
      segment,
      trySendNumber: (slot: number, item: number, value: number | undefined, left: number) =>
        outbox.tryNumber(slot, item, value, left),
      tell: () => outbox.tell(),
    },
    slot: SLOT,
    base: 0,
    count: items,
    column: new Int32Array([0, 1, 2]),
    fn,
    context: { begin: () => {} },
    keeps: true,
    rings,
  } as unknown as ColumnJob;
  let begun = 0;
  for (;;) {
    const at = segment.claim(SLOT);
    if (rings) outbox.tell();
    if (at >= items) break;
    runColumn(job, at, Math.max(at + 1, until), stop);
    begun = stop.at + 1;
    if (stop.end) break;
    if (!stop.sent) outbox.result(SLOT, stop.at, stop.result, { ...MANNER, left: items - stop.at });
  }
  outbox.end(SLOT, begun, 0);
}

function jobOf(stage: Stage, kind: Kind, expected: string, begin?: (session: Session) => void): Scenario {
  const session = new Session(stage, 512);
  const segment = session.channel.newSegment();
  return session.with(
    () => work(session, segment, kind),
    () => session.told(expected),
    () => begin?.(session),
  );
}

const tens: Fn = (item) => item * 10;

/** Each result may be waited for. */
export const waitedFor = (stage: Stage): Scenario =>
  jobOf(stage, { items: 2, fn: tens, rings: true }, '1:0=0, 1:1=10, 1:end 2');

/** Nobody waits but for the end. */
export const quiet = (stage: Stage): Scenario =>
  jobOf(stage, { items: 2, fn: tens, rings: false }, '1:0=0, 1:1=10, 1:end 2');

/** The loop is left and entered again between two items. */
export const inParts = (stage: Stage): Scenario =>
  jobOf(stage, { items: 2, fn: tens, rings: true, until: 1 }, '1:0=0, 1:1=10, 1:end 2');

export const nothing = (stage: Stage): Scenario =>
  jobOf(stage, { items: 2, fn: () => undefined, rings: true }, '1:0=nothing, 1:1=nothing, 1:end 2');

/** What is no number goes by itself, and the next number begins a column of its own. */
export const leaving = (stage: Stage): Scenario =>
  jobOf(
    stage,
    { items: 3, fn: (item) => (item === 1 ? '11' : item), rings: true },
    '1:0=0, 1:1=11, 1:2=2, 1:end 3',
  );

/** What a parent is told of a number: whether all that it was told of with it are integers. */
export function doubles(stage: Stage): Scenario {
  const session = new Session(stage, 512);
  const segment = session.channel.newSegment();
  return session.with(
    () => work(session, segment, { items: 2, fn: (item) => item / 2, rings: true }),
    () => assert.match(session.parent.told.values.join(', '), /^1:0=0\.?, 1:1=0\.5\., 1:end 2$/),
  );
}

/** The second item ends only once the parent has answered to the result of the first. */
export function answered(stage: Stage): Scenario {
  let answers = 0;
  const session = new Session(stage, 512, () => {
    answers += 1;
  });
  const { channel, link, parent } = session;
  const segment = channel.newSegment();
  parent.told.answer = () => {
    if (parent.told.values.length === 1) parent.link.send({ type: 'stop' });
  };
  const fn: Fn = (item) => {
    if (item === 1) while (answers === 0) stage.turn();
    return item;
  };
  return session.with(
    () => {
      channel.toParent.on('message', (message) => link.arrived(message as ToWorker));
      work(session, segment, { items: 2, fn, rings: true });
    },
    () => session.told('1:0=0, 1:1=1, 1:end 2'),
  );
}

/** The parent takes the job back: each item has its result, or goes elsewhere. */
export function takenBack(stage: Stage): Scenario {
  const session = new Session(stage, 512);
  const segment = session.channel.newSegment();
  let begun = CLOSED;
  return session.with(
    () => work(session, segment, { items: 3, fn: tens, rings: false }),
    () => {
      assert.ok(begun < CLOSED);
      const items = Math.min(begun, 3);
      let expected = '';
      for (let item = 0; item < items; item++) expected += `1:${item}=${item * 10}, `;
      session.told(`${expected}1:end ${items}`);
    },
    () => {
      begun = segment.close(SLOT);
    },
  );
}

/** The worker may die at any step: what is over then has its result, and nothing else has. */
export function dying(stage: Stage): Scenario {
  const session = new Session(stage, 512);
  const { channel, parent } = session;
  const segment = channel.newSegment();
  let over = 0;
  const kind = { items: 3, fn: (item: number) => (item === 1 ? '11' : item), rings: false };
  return {
    names: channel.names,
    actors: {
      worker: () => work(session, segment, kind),
      parent() {
        over = segment.started(SLOT) - 1;
        parent.inbox.drainAll();
      },
    },
    check() {
      const all = ['1:0=0', '1:1=11', '1:2=2', '1:end 3'];
      const told = parent.told.values;
      assert.ok(told.length >= Math.min(over, 3), `${told.length} of ${over} results`);
      assert.deepEqual(told, all.slice(0, told.length));
    },
  };
}

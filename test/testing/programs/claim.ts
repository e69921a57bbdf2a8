/** A job of a few items that a worker claims one by one, while the parent takes it back. */
import assert from 'node:assert/strict';
import { CLOSED, Segment } from '#simul/memory/index.js';
import type { Scenario } from '#simul/testing/index.js';

const SLOT = 1;

function sides(): {
  parent: Segment;
  worker: Segment;
  names: NonNullable<Scenario['names']>;
  times: Float64Array;
} {
  const buffers = {
    control: new SharedArrayBuffer(512),
    submission: new SharedArrayBuffer(64),
    completion: new SharedArrayBuffer(64),
    slots: new SharedArrayBuffer(64),
  };
  const words = new Int32Array(buffers.slots);
  const times = new Float64Array(buffers.slots);
  const names = [
    [words, SLOT * 4, 'claim'],
    [words, SLOT * 4 + 1, 'cancel'],
    [times, SLOT * 2 + 1, 'start time'],
  ] as const;
  return { parent: new Segment(buffers), worker: new Segment(buffers), names, times };
}

/** Who has each item at the end. */
class Items {
  readonly owners: string[][];

  constructor(count: number) {
    this.owners = [];
    for (let at = 0; at < count; at++) this.owners.push([]);
  }

  give(item: number, owner: string): void {
    this.owners[item]!.push(owner);
  }

  check(): void {
    for (const owner of this.owners) assert.equal(owner.length, 1, 'an item belongs to one side');
  }
}

function run(worker: Segment, items: Items, limit: number): void {
  const count = items.owners.length;
  let started = 0;
  for (;;) {
    const at = worker.claim(SLOT);
    if (at >= count) return;
    started += 1;
    items.give(at, 'worker');
    // Out of time: what is left goes back, unless it has been taken back already.
    if (started < limit || started === count) continue;
    if (worker.close(SLOT) >= CLOSED) continue;
    for (let item = started; item < count; item++) items.give(item, 'given back');
    return;
  }
}

function takeBack(parent: Segment, items: Items): void {
  const started = parent.close(SLOT);
  if (started >= CLOSED) return;
  for (let item = started; item < items.owners.length; item++) items.give(item, 'parent');
}

function contested(count: number, limit: number): Scenario {
  const { parent, worker, names } = sides();
  const items = new Items(count);
  parent.openSlot(SLOT);
  return {
    names,
    actors: { worker: () => run(worker, items, limit), parent: () => takeBack(parent, items) },
    check: () => items.check(),
  };
}

export const takenBack = (): Scenario => contested(3, 4);
export const bothClose = (): Scenario => contested(4, 2);

/** A request to stop names its item: no other is stopped by it. */
export function cancelled(): Scenario {
  const { parent, worker, names } = sides();
  const stopped: number[] = [];
  parent.openSlot(SLOT);
  return {
    names,
    actors: {
      worker() {
        for (let at = worker.claim(SLOT); at < 3; at = worker.claim(SLOT)) {
          if (worker.cancelRequested(SLOT, at)) stopped.push(at);
        }
      },
      parent() {
        if (parent.started(SLOT) === 2) parent.requestCancel(SLOT, 1);
      },
    },
    check: () => assert.ok(stopped.length === 0 || (stopped.length === 1 && stopped[0] === 1)),
  };
}

/** Whoever sees an item claimed sees when it began, or a later time; never that of the one before. */
function timed(unordered: boolean): Scenario {
  const { parent, worker, names, times } = sides();
  parent.openSlot(SLOT);
  let started = 0;
  let time = 0;
  return {
    names,
    ...(unordered ? { unordered: [[times, SLOT * 2 + 1]] as const } : {}),
    actors: {
      worker() {
        for (let at = 0; at < 2; at++) {
          worker.markStart(SLOT, (at + 1) * 10);
          worker.claim(SLOT);
        }
      },
      parent() {
        started = parent.started(SLOT);
        time = parent.startedAt(SLOT);
      },
    },
    check: () => assert.ok(time >= started * 10, `item ${started} began at ${time}`),
  };
}

export const startTime = (): Scenario => timed(true);
export const startTimeOrdered = (): Scenario => timed(false);

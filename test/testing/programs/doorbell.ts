/** A doorbell between an owner who waits for numbers in a word and a ringer who puts them there. */
import assert from 'node:assert/strict';
import { load, store } from '#simul/memory/atomics.js';
import { Doorbell } from '#simul/memory/index.js';
import type { Scenario, Stage } from '#simul/testing/index.js';

const WORK = 32;

function words(): { control: Int32Array; names: NonNullable<Scenario['names']> } {
  const control = new Int32Array(new SharedArrayBuffer(256));
  const names = [
    [control, 0, 'PARKED'],
    [control, 16, 'BELL'],
    [control, WORK, 'work'],
  ] as const;
  return { control, names };
}

/** The owner blocks, as a worker does. */
function blocking(total: number): Scenario {
  const { control, names } = words();
  const owner = new Doorbell(control, 0);
  const ringer = new Doorbell(control, 0);
  let announced = 0;
  return {
    names,
    actors: {
      owner() {
        while (load(control, WORK) < total) {
          const seen = owner.announce();
          announced += 1;
          const before = load(control, WORK);
          if (before < total) owner.waitSync(seen, 1000);
          owner.withdraw();
        }
      },
      ringer() {
        for (let value = 1; value <= total; value++) {
          store(control, WORK, value);
          ringer.ring();
        }
      },
    },
    check: () => assert.ok(control[16]! <= announced, 'rung more often than asked for'),
  };
}

export const one = (): Scenario => blocking(1);
export const two = (): Scenario => blocking(2);
export const three = (): Scenario => blocking(3);

/** The owner waits by its event loop, as a parent does, and has other turns to take meanwhile. */
export function armed(stage: Stage): Scenario {
  const { control, names } = words();
  const owner = new Doorbell(control, 0);
  const ringer = new Doorbell(control, 0);
  const total = 2;
  let seenTotal = false;
  return {
    names,
    actors: {
      owner() {
        const look = () => {
          owner.withdraw();
          for (;;) {
            if (load(control, WORK) === total) {
              seenTotal = true;
              return;
            }
            const seen = owner.announce();
            if (load(control, WORK) < total && owner.arm(seen, look)) return;
            owner.withdraw();
          }
        };
        // Something else makes it look while it is armed.
        setImmediate(look);
        look();
        while (!seenTotal) stage.turn();
      },
      ringer() {
        for (let value = 1; value <= total; value++) {
          store(control, WORK, value);
          ringer.ring();
        }
      },
    },
  };
}

/** What comes softly is not rung for while the owner waits loosely; what follows it is. */
export function loosely(): Scenario {
  const { control, names } = words();
  const owner = new Doorbell(control, 0);
  const ringer = new Doorbell(control, 0);
  const total = 3;
  let announced = 0;
  return {
    names,
    actors: {
      owner() {
        while (load(control, WORK) < total) {
          const seen = owner.announceLoosely();
          announced += 1;
          if (load(control, WORK) < total) owner.waitSync(seen, 1000);
          owner.withdraw();
        }
      },
      ringer() {
        store(control, WORK, 1);
        ringer.ringSoftly();
        store(control, WORK, 2);
        ringer.ringSoftly();
        store(control, WORK, total);
        ringer.ring();
      },
    },
    check() {
      assert.ok(control[16]! <= Math.min(announced, 1), 'a soft ring was heard');
    },
  };
}

/** The owner frees its armed wait while somebody rings: it is called, once for each time it armed. */
export function disarmed(stage: Stage): Scenario {
  const { control, names } = words();
  const owner = new Doorbell(control, 0);
  const ringer = new Doorbell(control, 0);
  let called = 0;
  let armed = false;
  return {
    names,
    actors: {
      owner() {
        armed = owner.arm(owner.announce(), () => {
          called += 1;
        });
        owner.disarm();
        if (armed) while (called === 0) stage.turn();
      },
      ringer: () => ringer.ring(),
    },
    check: () => assert.equal(called, armed ? 1 : 0),
  };
}

/** Owner and ringer are processes: what wakes the owner's event loop is a message, and it may block before that. */
function ofProcesses(stage: Stage, blocks: boolean): Scenario {
  const { control, names } = words();
  const [toOwner, toRinger] = stage.channel();
  const owner = new Doorbell(control, 0, () => {});
  const ringer = new Doorbell(control, 0, () => toOwner.postMessage('ring'));
  const total = 2;
  let seenTotal = false;
  return {
    names,
    actors: {
      owner() {
        const look = () => {
          owner.withdraw();
          let mayBlock = blocks;
          for (;;) {
            if (load(control, WORK) === total) {
              seenTotal = true;
              return;
            }
            const seen = owner.announce();
            if (load(control, WORK) < total) {
              if (mayBlock) owner.waitSync(seen, 1000);
              else if (owner.arm(seen, look)) return;
            }
            mayBlock = false;
            owner.withdraw();
          }
        };
        toRinger.on('message', () => owner.heard());
        look();
        while (!seenTotal) stage.turn();
      },
      ringer() {
        for (let value = 1; value <= total; value++) {
          store(control, WORK, value);
          ringer.ring();
        }
      },
    },
  };
}

export const far = (stage: Stage): Scenario => ofProcesses(stage, false);
export const blockingThenFar = (stage: Stage): Scenario => ofProcesses(stage, true);

/** The explorer itself: it misses no outcome, finds races and lost wake-ups, and refuses what it cannot step. */
import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { type Program, ScheduleError } from '#simul/testing/index.js';
import { all, failure, load } from './support.js';

const EVERY = Number.POSITIVE_INFINITY;

/** Outcomes of all schedules, in order; with reduction, and one by one. */
function outcomes(program: Program, scenario: string, timeouts = 0): string[] {
  const set = program.exports['outcomes'] as Set<string>;
  const collect = (maxPreemptions: number | undefined) => {
    set.clear();
    const { schedules } = all(program, {
      scenario,
      timeouts,
      ...(maxPreemptions === undefined ? {} : { maxPreemptions }),
    });
    return { schedules, found: [...set].sort() };
  };
  const reduced = collect(undefined);
  const each = collect(EVERY);
  assert.deepEqual(reduced.found, each.found);
  assert.ok(reduced.schedules <= each.schedules);
  return reduced.found;
}

test('every outcome is found, with and without reduction', async () => {
  const program = await load('litmus');
  assert.deepEqual(outcomes(program, 'storeBuffering'), ['01', '10', '11']);
  const agreed = outcomes(program, 'independentReads');
  assert.equal(agreed.length, 15);
  assert.ok(!agreed.includes('10 10'));
  assert.deepEqual(outcomes(program, 'lostUpdate'), ['1', '2', '3']);
  assert.deepEqual(outcomes(program, 'sleeper'), ['110', '111']);
  assert.deepEqual(outcomes(program, 'sleeper', 1), ['000', '001', '010', '011', '110', '111'].sort());
});

/** Both ways of exploring find the same, whatever the actors do. */
async function agree(operations: readonly string[], numRuns: number): Promise<void> {
  const program = await load('litmus');
  const script = program.exports['script'] as unknown[];
  const operation = fc.tuple(fc.constantFrom(...operations), fc.nat(2));
  const small = fc.array(fc.array(operation, { minLength: 1, maxLength: 3 }), { minLength: 2, maxLength: 4 });
  let lost = 0;
  fc.assert(
    fc.property(
      small.filter((actors) => actors.flat().length <= 6),
      fc.nat(1),
      (actors, timeouts) => {
        script.splice(0, script.length, ...actors);
        // Where some schedule loses a wake-up, both find one.
        const found = [undefined, EVERY].map((maxPreemptions) => lostIn(program, timeouts, maxPreemptions));
        assert.equal(found[0], found[1]);
        if (found[0]) lost += 1;
        else outcomes(program, 'scripted', timeouts);
      },
    ),
    { numRuns },
  );
  assert.ok(lost > 0 && lost < numRuns);
}

test('reduction loses no outcome of any program', async () => {
  await agree(['load', 'store', 'add', 'wait', 'wake'], 100);
});

test('nor of any event loop', async () => {
  await agree(['load', 'store', 'wake', 'turn', 'post', 'post', 'timer', 'await'], 100);
});

function lostIn(program: Program, timeouts: number, maxPreemptions: number | undefined): boolean {
  try {
    all(program, {
      scenario: 'scripted',
      timeouts,
      ...(maxPreemptions === undefined ? {} : { maxPreemptions }),
    });
    return false;
  } catch (error) {
    if (error instanceof ScheduleError && error.message.startsWith('a wake-up was lost')) return true;
    throw error;
  }
}

test('an event loop takes what comes, in any order that is possible', async () => {
  const program = await load('litmus');
  const found = outcomes(program, 'events');
  assert.ok(found.includes('timer 0, message, woken'), found.join('; '));
  assert.ok(found.includes('woken, message, timer 1'), found.join('; '));
  assert.ok(found.includes('late, message, timer 1'), found.join('; '));
});

test('plain accesses that nothing orders are told, with what happened', async () => {
  const program = await load('litmus');
  const { message } = failure(program, { scenario: 'race' });
  assert.match(message, /^data race at value: nothing orders the (?:read by reader|write by writer) after/);
  assert.match(message, /reader {2}load {2}buffer 0, byte 8 → 0/);
  all(program, { scenario: 'handOver' });
  assert.match(failure(program, { scenario: 'lateWrite' }).message, /^data race/);
  assert.match(failure(program, { scenario: 'otherFlag' }).message, /^data race/);
});

test('what has no end is told', async () => {
  const program = await load('litmus');
  assert.match(failure(program, { scenario: 'spin', maxSteps: 50 }).message, /^no end after 50 steps/);
});

test('what cannot be stepped is refused', async () => {
  const program = await load('litmus');
  assert.match(
    failure(program, { scenario: 'nativeCallback' }).message,
    /forEach.* cannot call a stepped function/,
  );
  assert.match(failure(program, { scenario: 'ownConstructor' }).message, /constructor or initializer/);
  await assert.rejects(
    load('litmus', [{ file: 'litmus.js', from: 'no such text', to: '' }]),
    /no module litmus\.js/,
  );
  await assert.rejects(load('litmus', [{ file: 'litmus.js', from: 'store', to: '' }]), /exactly one "store"/);
});

test('the schedule that is told has as few preemptions as can be', async () => {
  const program = await load('ring', [
    {
      file: 'memory/doorbell.js',
      from: 'store(this.#words, this.#parked, parked);',
      to: '',
    },
  ]);
  const { trace, path } = failure(program, { scenario: 'narrow' });
  const switches = path.filter(({ actor }, at) => at > 0 && actor !== path[at - 1]!.actor).length;
  assert.ok(switches <= 3, trace);
});

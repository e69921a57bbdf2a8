/** The rings, doorbells and claims of src/memory through all schedules; and faults in them, each of which is found. */
import test from 'node:test';
import { all, findsAll, LOST, load, RACE } from './support.js';

test('ring: every record once, in order, whole; whoever waits for room is woken', async () => {
  const program = await load('ring');
  all(program, { scenario: 'passing' });
  all(program, { scenario: 'narrow' });
  all(program, { scenario: 'narrow', timeouts: 1, maxPreemptions: 2 });
  all(program, { scenario: 'wrapping', maxPreemptions: 2 });
});

test('ring: faults', async () => {
  const file = 'memory/ring.js';
  await findsAll('ring', [
    {
      fault: 'the head is stored before the bytes',
      scenario: 'passing',
      shows: RACE,
      edits: [
        {
          file,
          from: 'ring.words[at << 1] = size;',
          to: 'store(ring.control, ring.head, (this.#head + size) | 0); ring.words[at << 1] = size;',
        },
      ],
    },
    {
      fault: 'the tail is stored before the record is read',
      scenario: 'narrow',
      shows: RACE,
      edits: [
        {
          file,
          from: 'if (size !== SKIP)',
          to: `store(ring.control, ring.tail, (this.#tail + ring.words[at << 1]) | 0);
            if (ring.words[at << 1] !== SKIP)`,
        },
      ],
    },
    {
      fault: 'a record is put where there is too little room',
      scenario: 'wrapping',
      shows: /./,
      edits: [
        {
          file,
          from: 'return this.ring.units - ((this.#head - this.#tail) | 0) >= need',
          to: 'return this.ring.units - ((this.#head - this.#tail) | 0) > 0',
        },
      ],
    },
    {
      fault: 'the rest that is skipped has no mark',
      scenario: 'wrapping',
      shows: /./,
      edits: [{ file, from: 'ring.words[at << 1] = SKIP;', to: '' }],
    },
    {
      fault: 'the producer waits for a tail that it has read too late',
      scenario: 'narrow',
      shows: LOST,
      edits: [
        {
          file,
          from: 'waitWhile(control, tail, this.#tail,',
          to: 'waitWhile(control, tail, load(control, tail),',
        },
      ],
    },
    {
      fault: 'the consumer looks for who waits before it stores the tail',
      scenario: 'narrow',
      shows: LOST,
      edits: [
        {
          file,
          from: 'store(ring.control, ring.tail, this.#tail); if (load(ring.control, ring.waiting) === 1)',
          to: 'const asked = load(ring.control, ring.waiting); store(ring.control, ring.tail, this.#tail); if (asked === 1)',
        },
      ],
    },
  ]);
});

test('doorbell: no wake-up is lost, none is given twice', async () => {
  const program = await load('doorbell');
  all(program, { scenario: 'one', timeouts: 1 });
  all(program, { scenario: 'two' });
  all(program, { scenario: 'two', timeouts: 1 });
  all(program, { scenario: 'three' });
  all(program, { scenario: 'armed' });
  all(program, { scenario: 'loosely' });
  all(program, { scenario: 'loosely', timeouts: 1 });
  all(program, { scenario: 'disarmed' });
  all(program, { scenario: 'far' });
  all(program, { scenario: 'blockingThenFar' });
});

test('doorbell: faults', async () => {
  const file = 'memory/doorbell.js';
  await findsAll('doorbell', [
    {
      fault: 'PARKED is stored after the last look',
      scenario: 'one',
      shows: LOST,
      edits: [
        { file, from: 'store(this.#words, this.#parked, parked);', to: '' },
        {
          file,
          from: 'waitWhile(this.#words, this.#bell, seen, timeoutMs);',
          to: 'store(this.#words, this.#parked, 1); waitWhile(this.#words, this.#bell, seen, timeoutMs);',
        },
      ],
    },
    {
      fault: 'no second look',
      scenario: 'one',
      shows: LOST,
      edits: [{ file: 'programs/doorbell.js', from: 'if (before < total)', to: '' }],
    },
    {
      fault: 'BELL is read after the last look',
      scenario: 'one',
      shows: LOST,
      edits: [
        {
          file,
          from: 'waitWhile(this.#words, this.#bell, seen, timeoutMs);',
          to: 'waitWhile(this.#words, this.#bell, load(this.#words, this.#bell), timeoutMs);',
        },
      ],
    },
    {
      fault: 'the ringer does not count',
      scenario: 'one',
      shows: LOST,
      edits: [
        {
          file,
          from: 'if (parked === 0) return; add(words, this.#bell, 1);',
          to: '',
        },
      ],
    },
    {
      fault: 'an owner in another process waits in its event loop without looking whether it was rung before',
      scenario: 'far',
      shows: LOST,
      edits: [
        {
          file,
          from: 'return replace(this.#words, this.#parked, this.#announced, this.#announced | FAR);',
          to: 'replace(this.#words, this.#parked, this.#announced, this.#announced | FAR); return true;',
        },
      ],
    },
    {
      fault: 'the ringer does not know that the owner waits in its event loop',
      scenario: 'far',
      shows: LOST,
      edits: [{ file, from: 'this.#announced | FAR', to: 'this.#announced' }],
    },
    {
      fault: 'a wait that has ended counts as armed',
      scenario: 'armed',
      shows: LOST,
      edits: [{ file, from: 'this.#armed = false; rung();', to: 'rung();' }],
    },
    {
      fault: 'a soft ring is heard by who waits loosely',
      scenario: 'loosely',
      shows: /^a soft ring was heard/,
      edits: [
        {
          file,
          from: '(load(this.#words, this.#parked) & ~FAR) === 1',
          to: 'load(this.#words, this.#parked) !== 0',
        },
      ],
    },
    {
      fault: 'a ring is not heard by who waits loosely',
      scenario: 'loosely',
      shows: LOST,
      edits: [
        { file, from: 'load(this.#words, this.#parked) !== 0', to: 'load(this.#words, this.#parked) === 1' },
      ],
    },
  ]);
});

test('claims: an item is begun or taken back, never both, never neither', async () => {
  const program = await load('claim');
  all(program, { scenario: 'takenBack' });
  all(program, { scenario: 'bothClose' });
  all(program, { scenario: 'cancelled' });
  all(program, { scenario: 'startTime' });
});

test('claims: faults', async () => {
  const file = 'memory/segment.js';
  await findsAll('claim', [
    {
      fault: 'claimed by a load and a store',
      scenario: 'takenBack',
      shows: /an item belongs to one side/,
      edits: [
        {
          file,
          from: 'return add(this.#slots, slot * 4, 1);',
          to: 'const at = load(this.#slots, slot * 4); store(this.#slots, slot * 4, at + 1); return at;',
        },
      ],
    },
    {
      fault: 'closed by a load and a store',
      scenario: 'bothClose',
      shows: /an item belongs to one side/,
      edits: [
        {
          file,
          from: 'return or(this.#slots, slot * 4, CLOSED);',
          to: 'const at = load(this.#slots, slot * 4); store(this.#slots, slot * 4, at | CLOSED); return at;',
        },
      ],
    },
    {
      fault: 'any request to stop stops any item',
      scenario: 'cancelled',
      shows: /./,
      edits: [{ file, from: 'return word === -1 || word === item + 1;', to: 'return word !== 0;' }],
    },
    {
      fault: 'the start time is stored after the claim',
      scenario: 'startTime',
      shows: /^item \d began at \d/,
      edits: [
        {
          file: 'programs/claim.js',
          from: 'worker.markStart(SLOT, (at + 1) * 10); worker.claim(SLOT);',
          to: 'worker.claim(SLOT); worker.markStart(SLOT, (at + 1) * 10);',
        },
      ],
    },
    {
      fault: 'the start time is not ordered, as README.md says',
      scenario: 'startTimeOrdered',
      shows: RACE,
      edits: [],
    },
  ]);
});

/** Columns of results through all schedules, or those with few preemptions; and faults in them, each of which is found. */
import test from 'node:test';
import type { Edit, Program } from '#simul/testing/index.js';
import { all, findsAll, LOST, load, RACE } from './support.js';

/** Numbers need no codec. Two of them fill a column, and every column is worth its room. */
const SHRUNK: readonly Edit[] = [
  { file: 'worker/result-column.js', from: 'LEAST = 256', to: 'LEAST = 2' },
  { file: 'worker/result-column.js', from: 'MOST = 8192', to: 'MOST = 2' },
  { file: 'worker/result-column.js', from: 'FEW = 16', to: 'FEW = 0' },
  {
    file: 'worker/outbox.js',
    from: "'../codec/index.js'",
    to: JSON.stringify(new URL('./programs/codec-stub.js', import.meta.url).href),
  },
];

const columns = (): Promise<Program> => load('columns', SHRUNK);

test('columns: every result once, whole, in order; whoever waits is woken', async () => {
  const program = await columns();
  for (const scenario of ['waitedFor', 'quiet', 'inParts', 'nothing', 'leaving', 'doubles', 'answered']) {
    all(program, { scenario, maxPreemptions: 2 });
  }
});

test('columns: what has begun has its result, what was taken back has none', async () => {
  all(await columns(), { scenario: 'takenBack', maxPreemptions: 2 });
});

test('columns: of a worker that dies at any step what was over is told', async () => {
  all(await columns(), { scenario: 'dying' });
});

test('columns: faults', async () => {
  const loop = 'worker/column-loop.js';
  const column = 'worker/result-column.js';
  const reader = 'transport/batch.js';
  await findsAll(
    'columns',
    [
      {
        fault: 'COUNT is read before the claims',
        scenario: 'dying',
        shows: /./,
        edits: [
          {
            file: reader,
            from: 'const over = this',
            to: 'const state = load(words, header + COUNT); const over = this',
          },
          { file: reader, from: '- 1; const state = load(words, header + COUNT);', to: '- 1;' },
        ],
      },
      {
        fault: 'the item that runs counts',
        scenario: 'dying',
        shows: RACE,
        edits: [
          {
            file: reader,
            from: 'started(words[header + SLOT]) - 1',
            to: 'started(words[header + SLOT])',
          },
        ],
      },
      {
        fault: 'the number is written after the claim',
        scenario: 'quiet',
        shows: RACE,
        maxPreemptions: 2,
        edits: [
          {
            file: column,
            from: 'this.#doubles[this.#place] = value;',
            to: 'const late = this.#late; this.#late = [this.#place, value]; if (late) this.#doubles[late[0]] = late[1];',
          },
          { file: column, from: '#place = 0;', to: '#place = 0; #late;' },
          {
            file: column,
            from: 'const count = this.#next - this.#first;',
            to: 'if (this.#late) this.#doubles[this.#late[0]] = this.#late[1]; this.#late = undefined; const count = this.#next - this.#first;',
          },
        ],
      },
      {
        fault: 'the parent is woken before the claim',
        scenario: 'answered',
        shows: LOST,
        maxPreemptions: 2,
        edits: [
          {
            file: loop,
            from: 'at = segment.claim(slot); if (rings) host.tell();',
            to: 'if (rings) host.tell(); at = segment.claim(slot);',
          },
        ],
      },
      {
        fault: 'a record follows an open column',
        scenario: 'leaving',
        shows: /./,
        maxPreemptions: 2,
        edits: [{ file: 'worker/outbox.js', from: 'this.#column.close(); const packer', to: 'const packer' }],
      },
      {
        fault: 'nobody says that a number is no integer',
        scenario: 'doubles',
        shows: /./,
        maxPreemptions: 2,
        edits: [
          { file: column, from: 'this.#integers = false; store(', to: 'this.#integers = false; (() => {})(' },
        ],
      },
      {
        fault: 'a column that is closed counts by claims',
        scenario: 'dying',
        shows: /./,
        edits: [{ file: reader, from: 'return state >= BATCH_CLOSED ? state :', to: 'return' }],
      },
    ],
    SHRUNK,
  );
});

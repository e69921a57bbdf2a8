/** Functions that a task sends on to other tasks: they read as they did where they came from. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { pool, run, task } from 'simul';

test.after(() => pool().terminate());

test('functions that know each other go on from task to task, with all that they capture', async () => {
  const trace = ['start'];
  interface Steps {
    even?: (n: number, path: string[]) => Promise<string[]>;
    odd?: (n: number, path: string[]) => Promise<string[]>;
  }
  const steps: Steps = {};
  const even = async (n: number, path: string[]): Promise<string[]> =>
    n === 0 ? [...trace, ...path] : run(steps.odd!, n - 1, [...path, `even ${n}`]);
  const odd = async (n: number, path: string[]): Promise<string[]> =>
    n === 0 ? [...path, 'was odd'] : run(even, n - 1, [...path, `odd ${n}`]);
  steps.even = even;
  steps.odd = odd;
  assert.deepEqual(await run(even, 4, []), ['start', 'even 4', 'odd 3', 'even 2', 'odd 1']);
});

test('a function goes on with what a task has put on it and into its captures', async () => {
  const seen: number[] = [];
  async function count(this: void, left: number): Promise<number[]> {
    seen.push(left);
    (count as { last?: number }).last = left;
    return left === 0 ? seen : run(count, left - 1);
  }
  assert.deepEqual(await run(count, 3), [3, 2, 1, 0]);
  async function last(this: void, left: number): Promise<unknown> {
    const own = last as { before?: number };
    if (left === 0) return own.before;
    own.before = left;
    return run(last, left - 1);
  }
  assert.equal(await run(last, 2), 1);
});

test('what evaluated code has assigned to a capture goes on', async () => {
  // Nothing else can assign there: functions that do so in their text are refused.
  // biome-ignore lint/style/useConst: what is evaluated assigns to it
  let level = 1;
  async function climb(left: number): Promise<number> {
    if (left === 0) return level;
    // biome-ignore lint/security/noGlobalEval: what is tested
    eval('level = 7');
    return run(climb, left - 1);
  }
  assert.equal(await run(climb, 1), 7);
  assert.equal(level, 1);
});

test('errors of functions that were sent on name their lines', async () => {
  async function fail(left: number): Promise<number> {
    if (left === 0) throw new RangeError(`in task ${task().id}`);
    return run(fail, left - 1);
  }
  await assert.rejects(run(fail, 2), (error: Error) => {
    assert.equal(error.name, 'RangeError');
    assert.match(error.stack!, /at (?:async )?fail \(.*sent-on\.test\.[jt]s:\d+:\d+\)/);
    return true;
  });
});

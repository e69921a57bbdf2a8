/** Idle workers: they use no CPU, and what their tasks left to the event loop goes on. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { poolTest, script } from './support.js';

test('an idle program uses no CPU', async () => {
  const { stdout, stderr } = await script(`
    import { Pool } from 'simul';
    import { setTimeout as sleep } from 'node:timers/promises';
    const pool = new Pool({ workers: 2 });
    await Promise.all(Array.from({ length: 500 }, (_, i) => pool.run((n) => n, i)));
    await sleep(100);
    const before = process.cpuUsage();
    await sleep(1000);
    const { user, system } = process.cpuUsage(before);
    console.log((user + system) / 1000);
    await pool.close();
  `);
  assert.equal(stderr, '');
  // 1000 ms have passed: a side that polls would use hundreds.
  assert.ok(Number(stdout) < 60, `${stdout.trim()} ms of CPU`);
});

poolTest(
  'timers of a finished task go on in an idle worker, unref’d ones too',
  { workers: 1 },
  async (pool) => {
    const counts = new Int32Array(new SharedArrayBuffer(8));
    await pool.run((words) => {
      setInterval(() => Atomics.add(words, 0, 1), 5).unref();
      let left = 20;
      const timer = setInterval(() => {
        Atomics.add(words, 1, 1);
        left -= 1;
        if (left === 0) clearInterval(timer);
      }, 5);
    }, counts);
    while (Atomics.load(counts, 1) < 20) await sleep(5);
    const before = Atomics.load(counts, 0);
    while (Atomics.load(counts, 0) < before + 20) await sleep(5);
  },
);

poolTest(
  'messages reach a worker that is parked: cancellation, generators, nested calls',
  { workers: 1 },
  async (pool) => {
    for (let i = 0; i < 20; i++) {
      const values: number[] = [];
      for await (const value of pool.run(function* () {
        for (let n = 0; n < 50; n++) yield n;
      })) {
        values.push(value);
      }
      assert.equal(values.length, 50);
      await sleep(i % 4 === 0 ? 15 : 0);
      const nested = await pool.run(async () => {
        const { map } = await import('simul');
        return map([1, 2, 3], (n) => n * 2);
      });
      assert.deepEqual(nested, [2, 4, 6]);
    }
  },
);

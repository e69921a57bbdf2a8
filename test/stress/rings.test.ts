/** Everything that goes through the rings, of any size and type, at once, while workers die: what comes back is compared. */
import assert from 'node:assert/strict';
import { type Pool, shared, type TaskOptions, transfer } from 'simul';
import { script } from '../api/support.js';
import { type Dice, isCode, quiet, rounds, settle, withPool } from './support.js';
import { printOf, sizeOf, someValue } from './values.js';

/** What may become of an operation among workers that die, besides its value. */
const isPlanned = (error: unknown): boolean =>
  ['WORKER_CRASHED', 'TASK_TIMEOUT', 'TASK_CANCELLED', 'QUEUE_FULL'].some((code) =>
    isCode(error, `SIMUL_${code}`),
  ) || /planned/.test(String(error));

const echo = (value: unknown): unknown => value;

/** Runs the act; what it makes of its results is checked in it, what else happens to it here. Gives whether it succeeded. */
type Act = (pool: Pool, dice: Dice) => Promise<void>;

const acts: Record<string, Act> = {
  async call(pool, dice) {
    const value = someValue(dice);
    assert.equal(printOf(await pool.run(echo, value)), printOf(value));
  },
  async burst(pool, dice) {
    const length = dice.pick([1, 2, 63, 255, 256, 257, 1000]);
    const values = Array.from({ length }, (_, n) => (dice.once(60) ? someValue(dice) : n));
    const results = await Promise.allSettled(values.map((value) => pool.run(echo, value)));
    for (const [n, result] of results.entries()) {
      if (result.status === 'fulfilled') assert.equal(printOf(result.value), printOf(values[n]));
      else if (!isPlanned(result.reason)) throw result.reason;
    }
  },
  async map(pool, dice) {
    const length = dice.pick([0, 1, 2, 7, 100, 500]);
    const small = dice.once(2);
    const values = Array.from({ length }, (_, n) => (small || !dice.once(20) ? n : someValue(dice)));
    const chunk = dice.pick([
      1,
      2,
      Math.max(1, length - 1),
      Math.max(1, length),
      length + 1,
      'auto',
    ] as const);
    const window = dice.once(2) ? { window: 1 + dice.below(64) } : {};
    const results = await pool.map(values, echo, { chunk, onError: 'settle', ...window });
    assert.equal(results.length, length);
    for (const [n, result] of results.entries()) {
      if (result.status === 'fulfilled') assert.equal(printOf(result.value), printOf(values[n]));
      else if (!isPlanned(result.reason)) throw result.reason;
    }
  },
  async made(pool, dice) {
    const size = sizeOf(dice);
    const fill = dice.below(256);
    const [bytes, text] = await pool.run(
      (size: number, fill: number) => [new Uint8Array(size).fill(fill), 'y'.repeat(size)] as const,
      size,
      fill,
    );
    assert.equal(printOf(bytes), printOf(new Uint8Array(size).fill(fill)));
    assert.equal(text, 'y'.repeat(size));
  },
  async stream(pool, dice) {
    const most = dice.below(300);
    const size = sizeOf(dice) % 20_000;
    const ordered = dice.once(2);
    let seen = 0;
    for await (const value of pool.stream(
      (function* () {
        for (let n = 0; ; n++) yield n;
      })(),
      (n: number) => `${n} ${'z'.repeat(size)}`,
      { ordered, window: 1 + dice.below(100) },
    )) {
      assert.equal(value.length, value.indexOf(' ') + 1 + size);
      if (ordered) assert.equal(value.slice(0, value.indexOf(' ')), String(seen));
      if (++seen > most) break;
    }
  },
  async range(pool, dice) {
    const n = dice.pick([0, 1, 1000, 65_537]);
    const out = shared(Int32Array, n);
    const chunk = dice.once(2) ? { chunk: 1 + dice.below(n + 1) } : {};
    await pool.forRange(
      n,
      (from, to) => {
        for (let i = from; i < to; i++) Atomics.add(out, i, i + 1);
      },
      chunk,
    );
    for (let i = 0; i < n; i++) assert.equal(out[i], i + 1, `index ${i} of ${n}`);
  },
  async moved(pool, dice) {
    const size = sizeOf(dice);
    const fill = dice.below(256);
    const sent = new Uint8Array(size).fill(fill);
    const back = await pool.run((bytes: Uint8Array) => transfer(bytes), transfer(sent));
    assert.equal(printOf(back), printOf(new Uint8Array(size).fill(fill)));
    assert.equal(sent.byteLength, 0);
  },
  async cancelled(pool, dice) {
    const futures = Array.from({ length: 1 + dice.below(200) }, (_, n) => pool.run(echo, n));
    const settled = Promise.allSettled(futures);
    if (dice.once(2)) await new Promise((resolve) => setTimeout(resolve, dice.below(3)));
    for (const future of futures) if (dice.once(3)) future.cancel();
    for (const [n, result] of (await settled).entries()) {
      if (result.status === 'fulfilled') assert.equal(result.value, n);
      else if (!isPlanned(result.reason)) throw result.reason;
    }
  },
  async aborted(pool, dice) {
    const signal = AbortSignal.timeout(dice.below(20));
    const items = Array.from({ length: 2000 }, (_, n) => n);
    const ended = await Promise.resolve(pool.map(items, (n) => 'a'.repeat(n), { signal })).catch(
      (error) => error,
    );
    if (Array.isArray(ended)) assert.equal(ended.length, 2000);
    else if (ended !== signal.reason) throw ended;
  },
  async late(pool, dice) {
    const options: TaskOptions = { timeout: 1 + dice.below(20), grace: dice.below(5) };
    await pool.with(options).run(() => {
      for (;;);
    });
  },
  async dead(pool) {
    await pool.run(() => process.exit(1));
  },
};
/** How often each is chosen. */
const chances = Object.keys(acts).flatMap((name) =>
  new Array<string>(name === 'dead' || name === 'late' ? 1 : 4).fill(name),
);

async function play(pool: Pool, dice: Dice, names: readonly string[]): Promise<void> {
  const chosen = Array.from({ length: 10 + dice.below(20) }, () => dice.pick(names));
  const outcomes = await settle(
    chosen.map((name) => acts[name]!(pool, dice)),
    `all of ${chosen}`,
  );
  for (const [i, outcome] of outcomes.entries()) {
    if (outcome.status === 'fulfilled' || isPlanned(outcome.reason)) continue;
    throw new Error(`${chosen[i]} went wrong`, { cause: outcome.reason });
  }
  await quiet(pool);
}

rounds('all sizes and types, while workers die', 0.45, async (dice) => {
  const limits = dice.once(3) ? { queueLimit: 1 + dice.below(600) } : {};
  await withPool({ workers: 1 + dice.below(3), ...limits }, (pool) => play(pool, dice, chances));
});

/** Nothing dies or is given up: every result has to come, and the counts are those of the calls. */
rounds('all sizes and types, exactly', 0.25, async (dice) => {
  const calm = ['call', 'burst', 'map', 'made', 'range', 'moved'];
  await withPool({ workers: 1 + dice.below(3), tasksPerWorker: 1 + dice.below(2) }, async (pool) => {
    await play(pool, dice, calm);
    const before = pool.stats();
    assert.equal(before.failed, 0);
    const count = 1 + dice.below(2000);
    await Promise.all(Array.from({ length: count }, (_, n) => pool.run(echo, n)));
    const { done, failed } = pool.stats();
    assert.deepEqual([done, failed], [before.done + count, 0]);
  });
});

rounds('nothing is left of it', 0.2, async (dice) => {
  const { gc } = globalThis as { gc?: () => void };
  const handles = (): number => process.getActiveResourcesInfo().filter((kind) => kind !== 'Timeout').length;
  const used = async (): Promise<{ heap: number; rss: number }> => {
    for (let i = 0; i < 5; i++) {
      gc?.();
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    const { heapUsed, arrayBuffers, rss } = process.memoryUsage();
    return { heap: heapUsed + arrayBuffers, rss };
  };
  const go = () => withPool({ workers: 2 }, (pool) => play(pool, dice, chances));
  for (let i = 0; i < 4; i++) await go();
  const [before, handlesBefore] = [await used(), handles()];
  for (let i = 0; i < 8; i++) await go();
  const after = await used();
  assert.ok(handles() <= handlesBefore, `${handlesBefore} handles before, ${handles()} after`);
  const grown = (key: 'heap' | 'rss'): number => (after[key] - before[key]) / 2 ** 20;
  assert.ok(grown('heap') < 40, `${grown('heap').toFixed(0)} MiB of heap more`);
  assert.ok(grown('rss') < 400, `${grown('rss').toFixed(0)} MiB resident more`);
});

rounds('a million calls in flight', 0.1, async () => {
  const { code, stdout, stderr } = await script(
    `import { measure } from ${JSON.stringify(new URL('../api/event-loop-works.js', import.meta.url).href)};
     await measure('million');`,
    [],
    80_000,
  );
  assert.equal(code, 0, stdout + stderr);
});

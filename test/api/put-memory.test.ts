/** What `put` keeps goes: when it is freed, and when nothing can reach it any more. In processes of their own. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { script } from './support.js';

async function finishes(source: string): Promise<string> {
  const { code, stdout, stderr } = await script(source, ['--expose-gc']);
  assert.equal(code, 0, stderr);
  return stdout.trim();
}

const START = `
import { Pool, put, run } from 'simul';
const pool = new Pool({ workers: 2 });
const mb = () => process.memoryUsage().rss / 2 ** 20;
/** Collects here and in the workers until something holds. */
async function collected(holds, what) {
  for (const end = performance.now() + 10_000; !holds(); ) {
    if (performance.now() > end) throw new Error(what);
    gc();
    await pool.each(() => globalThis.gc());
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
`;

/** The most memory in the first and in the second half of many rounds, in MiB. */
const ROUNDS = `
async function rounds(count, round) {
  await round(0);
  const most = [0, 0];
  const before = mb();
  for (let i = 0; i < count; i++) {
    await round(i);
    const half = i < count / 2 ? 0 : 1;
    most[half] = Math.max(most[half], mb() - before);
  }
  console.log(JSON.stringify(most));
}
`;

const USE = 'await pool.each((array) => array[array.length - 1], ref)';

for (const [name, count, round] of [
  [
    '200 of 8 MB, freed',
    200,
    `const ref = await pool.put(new Uint8Array(8 << 20).fill(1)); ${USE}; ref.free();`,
  ],
  ['200 of 8 MB, left', 200, `const ref = await pool.put(new Uint8Array(8 << 20).fill(1)); ${USE};`],
  [
    '40 of 32 MB, freed',
    40,
    `const ref = await pool.put(new Uint8Array(32 << 20).fill(1)); ${USE}; ref.free();`,
  ],
  [
    '200 of 8 MB, put and freed by tasks',
    200,
    `await pool.run(async () => {
      const ref = await put(new Uint8Array(8 << 20).fill(1));
      await ref.get();
      ref.free();
    });`,
  ],
] as const) {
  test(`values one after the other, ${name}: memory does not grow`, { timeout: 60_000 }, async () => {
    const out = await finishes(`${START}${ROUNDS}
      await rounds(${count}, async () => { ${round} });
      await pool.close();`);
    const [first, second] = JSON.parse(out) as [number, number];
    // All together are at least 1280 MB.
    assert.ok(first < 500, out);
    assert.ok(second < first + 150, out);
  });
}

test('a ref that nothing can reach is freed; one that a call needs is not', { timeout: 60_000 }, async () => {
  const out = await finishes(`${START}
    await pool.each(() => 0);
    const state = new Int32Array(new SharedArrayBuffer(8));
    const hold = (rows) => { while (Atomics.load(state, 0) === 0); return rows.length; };
    async function begin() {
      const ref = await pool.put([1, 2, 3]);
      const calls = [pool.run(hold, ref), pool.run(hold, ref), pool.run(hold, ref), pool.run(hold, ref)];
      return calls;
    }
    const calls = await begin();
    const kept = await pool.put('kept');
    for (const end = performance.now() + 10_000; pool.stats().refs > 1 && performance.now() < end; ) {
      gc();
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    console.log(pool.stats().refs);
    Atomics.store(state, 0, 1);
    console.log(...await Promise.all(calls), await pool.run((text) => text, kept), await kept.get());
    kept.free();
    console.log(pool.stats().refs, pool.stats().refBytes);
    await pool.close();`);
  assert.deepEqual(out.split('\n'), ['1', '3 3 3 3 kept kept', '0 0']);
});

test('a ref that a worker has kept works when this thread has none any more', {
  timeout: 60_000,
}, async () => {
  const out = await finishes(`${START}
    await (async () => {
      const ref = await pool.put([1, 2, 3]);
      await pool.worker(0).run((data) => { globalThis.kept = data.ref; }, { ref });
      await pool.worker(1).run((rows) => rows.length, ref);
    })();
    await collected(() => pool.stats().refs === 0, 'it is not collected');
    console.log(await pool.worker(0).run(async () => (await globalThis.kept.get()).length));
    // As an argument, inside data, and home.
    console.log(await pool.worker(0).run(() => run((rows) => rows.length, globalThis.kept)));
    console.log(await pool.worker(0).run(() => run(async ({ ref }) => (await ref.get()).length, { ref: globalThis.kept })));
    let home = await pool.worker(0).run(() => ({ ref: globalThis.kept }));
    console.log(await pool.worker(1).run((rows) => rows.length, home.ref), (await home.ref.get()).length);
    home.ref.free();
    console.log(await pool.worker(0).run(() => globalThis.kept.get().catch((error) => error.code)), pool.stats().refs);
    await pool.close();`);
  assert.deepEqual(out.split('\n'), ['3', '3', '3', '3 3', 'SIMUL_OBJECT_LOST 0']);
});

test('what tasks have put goes with the last ref, or with the worker', { timeout: 60_000 }, async () => {
  const out = await finishes(`${START}
    const make = async () => { globalThis.own = await put(new Uint8Array(1 << 20)); };
    await pool.each(make);
    console.log(pool.stats().refs, pool.stats().refBytes > 2 << 20);
    await pool.worker(0).run(() => { globalThis.own = undefined; });
    await collected(() => pool.stats().refs === 1, 'the first is not collected');
    await pool.worker(1).run(() => process.exit(1)).catch(() => {});
    console.log(pool.stats().refs);
    let home = await pool.run(async () => ({ ref: await put([1, 2]) }));
    for (let i = 0; i < 5; i++) { gc(); await pool.each(() => globalThis.gc()); }
    console.log(pool.stats().refs, (await home.ref.get()).length);
    home = undefined;
    await collected(() => pool.stats().refs === 0, 'the last is not collected');
    await pool.close();`);
  assert.deepEqual(out.split('\n'), ['2 true', '0', '1 2']);
});

test('what is kept does not keep the process', { timeout: 60_000 }, async () => {
  const out = await finishes(`
    import { put, run } from 'simul';
    globalThis.ref = await put(new Uint8Array(1 << 20));
    console.log(await run((bytes) => bytes.length, globalThis.ref));`);
  assert.equal(out, String(1 << 20));
});

/** Typed arrays in what `put` keeps: large ones are the same memory for all, small ones are copies. */
import assert from 'node:assert/strict';
import { shared } from 'simul';
import { poolTest } from './support.js';

/** Bytes from which on a view is shared. */
const EDGE = 64 * 1024;

interface Memory {
  readonly kind: string;
  readonly shared: boolean;
  readonly length: number;
}
const look = (view: ArrayBufferView): Memory => ({
  kind: Object.getPrototypeOf(view).constructor.name,
  shared: view.buffer instanceof SharedArrayBuffer,
  length: view.byteLength,
});

poolTest('32 MB: nothing is copied, what one task writes another sees', {}, async (pool) => {
  const array = new Float64Array(4_000_000).fill(1);
  const ref = await pool.put(array);
  assert.equal(pool.stats().refBytes >= 32_000_000, true);
  await pool.worker(0).run((shared) => {
    shared[3_999_999] = 5;
  }, ref);
  assert.equal(await pool.worker(1).run((shared) => shared[3_999_999], ref), 5);
  assert.equal((await ref.get())[3_999_999], 5);
  assert.equal(array[3_999_999], 1, 'what was put stays what it was');
  const got = await pool.worker(1).run(async () => (await ref.get())[3_999_999]);
  assert.equal(got, 5);
  const [mine, theirs] = [await ref.get(), await pool.run((shared) => shared, ref)];
  mine[0] = 7;
  assert.equal(theirs[0], 7, 'given back, it is still that memory');
});

poolTest('from 64 KiB on views are shared, below they are private copies', {}, async (pool) => {
  for (const [bytes, isShared] of [
    [EDGE - 8, false],
    [EDGE, true],
    [16 * 1024, false],
    [8, false],
    [0, false],
  ] as const) {
    const views = [
      new Float64Array(bytes / 8).fill(1.5),
      new Uint8Array(bytes).fill(2),
      new BigInt64Array(bytes / 8).fill(3n),
      new DataView(new Uint8Array(bytes).fill(4).buffer),
      Buffer.alloc(bytes, 5),
    ];
    for (const view of views) {
      const ref = await pool.put(view);
      const there = await pool.run(look, ref);
      assert.deepEqual(there, { ...look(view), shared: isShared }, `${there.kind} of ${bytes}`);
      const back = await ref.get();
      assert.equal(Buffer.compare(bytesOf(back), bytesOf(view)), 0);
      ref.free();
    }
  }
});

const bytesOf = (view: ArrayBufferView): Uint8Array =>
  new Uint8Array(view.buffer, view.byteOffset, view.byteLength);

poolTest('parts of buffers: only what is seen is kept, views of one buffer stay so', {}, async (pool) => {
  const whole = new Uint8Array(1_000_000).fill(1);
  const part = await pool.put(whole.subarray(1000, 1000 + EDGE));
  assert.ok(pool.stats().refBytes < EDGE + 1000);
  assert.deepEqual(await pool.run(look, part), { kind: 'Uint8Array', shared: true, length: EDGE });
  const two = await pool.put({ a: whole.subarray(0, 1000), b: whole.subarray(500, 900_000) });
  const seen = await pool.run(({ a, b }) => {
    a[600] = 9;
    return [a.buffer === b.buffer, b[100], a.length, b.length];
  }, two);
  assert.deepEqual(seen, [true, 9, 1000, 899_500]);
  const bare = new Uint8Array(EDGE).fill(3).buffer;
  const beside = await pool.put({ bare, a: whole.subarray(0, EDGE), b: whole.subarray(5, EDGE) });
  assert.ok(await pool.run((given) => given.bare instanceof ArrayBuffer && given.b.length > 0, beside));
  class Samples extends Float32Array {
    get top(): number {
      return this.reduce((a, b) => Math.max(a, b), 0);
    }
  }
  const samples = await pool.put(new Samples(EDGE).fill(2));
  assert.deepEqual(await pool.run((given) => [given instanceof Samples, given.top], samples), [true, 2]);
});

poolTest('bare buffers and those that can grow are copies; shared memory stays itself', {}, async (pool) => {
  const bare = new Uint8Array(EDGE * 2).fill(1).buffer;
  const Resizable = ArrayBuffer as unknown as new (length: number, o: object) => ArrayBuffer;
  const growing = new Resizable(EDGE, { maxByteLength: EDGE * 2 });
  const known = shared(Int32Array, 10);
  const ref = await pool.put({ bare, growing: new Uint8Array(growing), known });
  const spoil = (value: { bare: ArrayBuffer; growing: Uint8Array; known: Int32Array }): unknown => {
    const bytes = new Uint8Array(value.bare);
    const before = [bytes[0], value.growing[0], value.bare instanceof ArrayBuffer];
    bytes[0] = value.growing[0] = 5;
    value.known[0]! += 1;
    return before;
  };
  for (let i = 0; i < 4; i++) assert.deepEqual(await pool.run(spoil, ref), [1, 0, true]);
  assert.equal(known[0], 4);
});

poolTest('arrays in many calls at once', {}, async (pool) => {
  const array = Float64Array.from({ length: 100_000 }, (_, i) => i);
  using ref = await pool.put({ array });
  const calls = Array.from({ length: 500 }, (_, i) => pool.run(({ array }, at) => array[at], ref, i));
  assert.deepEqual(
    await Promise.all(calls),
    Array.from({ length: 500 }, (_, i) => i),
  );
  const sums = await pool.map(
    Array.from({ length: 1000 }, (_, i) => i),
    async (i) => (await ref.get()).array[i],
  );
  assert.equal(sums[999], 999);
});

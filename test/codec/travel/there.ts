import assert from 'node:assert/strict';
import { after } from 'node:test';
import { AssetStore, pack, prepare, unpack } from '#simul/codec/index.js';
import { Pool } from '#simul/index.js';

/** There and back on this thread, by way of bytes. `exact`: as captured data. */
export async function there<T>(value: T, exact = false): Promise<T> {
  const packed = structuredClone(pack(value, { exact }));
  const store = new AssetStore();
  await prepare(packed, store);
  return unpack(packed, store) as T;
}

/** A pool for the file, which is closed in the end. */
export function filePool(): Pool {
  const pool = new Pool({ workers: 1 });
  after(() => pool.terminate());
  return pool;
}

/** As argument, captured, and through the codec alone in both ways. */
export async function everyWay<T>(
  pool: Pool,
  value: T,
  check: (copy: T, how: string) => void,
): Promise<void> {
  check((await pool.run((x: unknown) => x, value)) as T, 'argument');
  check((await pool.run(() => value)) as T, 'captured');
  check(await there(value), 'codec');
  check(await there(value, true), 'codec, exact');
}

/** Runs here and in a worker, and compares. */
export async function alike<A extends unknown[]>(
  pool: Pool,
  fn: (...args: A) => unknown,
  ...args: A
): Promise<void> {
  const expected = await fn(...args);
  assert.deepStrictEqual(await pool.run(fn as (...args: unknown[]) => unknown, ...args), expected);
}

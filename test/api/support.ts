/** What the pool tests share: a pool that is closed, in bounded time, whatever the test does. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { inspect } from 'node:util';
import { Pool, type PoolOptions } from 'simul';

/** What pools the suites are run on: suites for processes set it before they load those for all. */
export const kind = process.env.SIMUL_TEST_KIND === 'process' ? 'process' : 'thread';

export function poolTest(name: string, options: PoolOptions, body: (pool: Pool) => Promise<void>): void {
  test(name, { timeout: 30_000 }, async (t) => {
    const pool = new Pool({ workers: 2, kind, ...options });
    try {
      await body(pool);
      await within(5000, pool.close(), 'close');
      const stats = pool.stats();
      assert.equal(stats.workers, 0, 'no worker is left');
      assert.equal(stats.queued + stats.running, 0, 'no task is left');
    } catch (error) {
      // Said here too: rejections of calls that are left behind would be reported in its place.
      t.diagnostic(inspect(error));
      throw error;
    } finally {
      await pool.terminate();
    }
  });
}

/** A folder that is gone afterwards. */
export async function inFolder(body: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'simul-'));
  try {
    await body(folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** What tasks wait for, in workers of any kind: the end of a file. */
export interface Gate {
  readonly file: string;
  open(): void;
}

let gates = 0;

export function newGate(): Gate {
  gates += 1;
  const file = join(tmpdir(), `simul-gate-${process.pid}-${gates}`);
  writeFileSync(file, '');
  return { file, open: () => rmSync(file) };
}

/** In a task: until the gate is open. */
export function waitAt(file: string): void {
  const { existsSync } = process.getBuiltinModule('node:fs');
  const word = new Int32Array(new SharedArrayBuffer(4));
  while (existsSync(file)) Atomics.wait(word, 0, 0, 1);
}

/** Which worker runs this: no two of this program have the same. */
export const workerId = async (): Promise<string> =>
  `${process.pid}.${(await import('node:worker_threads')).threadId}`;

/** For what takes memory shared with the workers to see, of which processes have none. */
export const threadPoolTest = (kind === 'thread' ? poolTest : () => {}) as typeof poolTest;
export const threadTest = (kind === 'thread' ? test : () => {}) as typeof test;

/** Fails where the promise takes longer. */
export async function within<T>(ms: number, promise: PromiseLike<T>, what: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} took longer than ${ms} ms`)), ms);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

export interface Ran {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a script of its own, given as text, as an ES module. */
export function script(source: string, args: readonly string[] = [], patience = 20_000): Promise<Ran> {
  const child: ChildProcess = spawn(process.execPath, [...args, '--input-type=module', '-e', source], {
    cwd: new URL('../../..', import.meta.url),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  child.stdout!.on('data', (chunk) => {
    stdout += chunk;
  });
  child.stderr!.on('data', (chunk) => {
    stderr += chunk;
  });
  const timer = setTimeout(() => child.kill('SIGKILL'), patience);
  return new Promise((resolve) => {
    child.on('close', (code) => {
      clearTimeout(timer);
      resolve({ code, stdout, stderr });
    });
  });
}

/** Waits until something holds; fails where that takes longer than ten seconds. */
export async function until(holds: () => boolean, what: string): Promise<void> {
  const end = performance.now() + 10_000;
  while (!holds()) {
    if (performance.now() > end) assert.fail(`${what}: not after ten seconds`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** The cost of a function is known after some calls: then they are sent many at a time. */
export async function warm(pool: Pool, fn: (x: number) => number): Promise<void> {
  for (let round = 0; round < 3; round++) {
    await Promise.all(Array.from({ length: 64 }, (_, i) => pool.run(fn, i)));
  }
}

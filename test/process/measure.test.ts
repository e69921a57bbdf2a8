/** How the memory of a process is known: from the system, or from the worker. */
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { AssetStore } from '#simul/codec/index.js';
import { residentMemory } from '#simul/transport/measure.js';
import { startProcess } from '#simul/transport/process.js';
import type { WorkerEvents, WorkerHandle } from '#simul/transport/transport.js';

test('the system says it, or nothing is said', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'simul-'));
  t.after(() => rm(folder, { recursive: true }));
  const own = residentMemory(process.pid)!;
  assert.ok(own > 2 ** 24 && Math.abs(own - process.memoryUsage.rss()) < 2 ** 25);
  assert.equal(residentMemory(0), undefined);
  await mkdir(join(folder, '1'));
  await mkdir(join(folder, '2'));
  await writeFile(join(folder, '1/status'), 'Name:\tnode\nVmRSS:\t   51200 kB\nThreads:\t7\n');
  await writeFile(join(folder, '2/status'), 'Name:\tnode\nState:\tZ (zombie)\n');
  assert.equal(residentMemory(1, folder), 51_200 * 1024);
  assert.equal(residentMemory(2, folder), undefined);
});

test('a worker says it of itself where it is asked', { timeout: 30_000 }, async () => {
  const ignore = (): void => {};
  let handle: WorkerHandle | undefined;
  let gone: () => void = ignore;
  const exit = new Promise<void>((resolve) => {
    gone = resolve;
  });
  const told = new Promise<number>((resolve) => {
    const events = new Proxy({} as WorkerEvents, {
      get: (_, name) => {
        if (name === 'ready') return () => handle!.send({ type: 'measure' });
        if (name === 'memory') return resolve;
        if (name === 'exit') return gone;
        return ignore;
      },
      ownKeys: () => ['ready', 'memory', 'exit', 'unlearned', 'request', 'failed', 'stopping', 'stopped'],
      getOwnPropertyDescriptor: () => ({ enumerable: true, configurable: true }),
    });
    const spec = {
      worker: 0,
      workers: 1,
      tasksPerWorker: 1,
      name: 'one',
      init: undefined,
      maxHeapMiB: undefined,
      env: undefined,
      execArgv: undefined,
    };
    handle = startProcess(spec, events, new AssetStore());
  });
  // Workers keep no program alive.
  const alive = setTimeout(() => {}, 20_000);
  const bytes = await told;
  assert.ok(bytes > 2 ** 24 && bytes < 2 ** 30, `${bytes} bytes`);
  handle!.terminate();
  await exit;
  clearTimeout(alive);
});

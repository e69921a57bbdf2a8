/** What this machine offers, found out by trying where that is possible. */
import { accessSync, constants, existsSync, mkdtempSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { arch, freemem, release, tmpdir, totalmem, type } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Worker } from 'node:worker_threads';
import { exportByName, Pool } from '../api/index.js';
import { sharedMemory } from '../transport/index.js';
import { type UsableCores, usableCores } from '../util/usable-cores.js';

/** A thing that was tried: how it went, and how many ms it took. */
export interface Trial {
  readonly ok: boolean;
  readonly ms: number;
  /** What went wrong. */
  readonly error?: string;
}

export interface Machine {
  readonly system: string;
  readonly node: string;
  readonly cores: UsableCores | { readonly error: string };
  readonly memory: { readonly total: number; readonly free: number; readonly limit: number | undefined };
  readonly sharedMemory: {
    readonly sharedArrayBuffer: boolean;
    /** Bytes free in /dev/shm; undefined where there is none that can be written. */
    readonly devShm: number | undefined;
  };
  /** How workers that are processes are reached, and why not by shared memory. */
  readonly processes: { readonly by: 'shared memory' | 'pipes'; readonly why?: string };
  readonly worker: {
    /** From nothing to the first answer. */
    readonly start: Trial;
    /** An answer of a worker that is there. */
    readonly answer: Trial;
  };
  /** A function with captured variables, read through the inspector. */
  readonly closures: Trial;
  readonly typescript: {
    readonly native: string | false;
    readonly oxcTransform: boolean;
    /** A TypeScript module with an enum, loaded in a worker. */
    readonly module: Trial;
  };
  /** Functions run, closures or not. */
  readonly usable: boolean;
}

/** For the first answer of a worker, and for each one after it, in ms. */
const LIMIT = 3000;

export async function examine(): Promise<Machine> {
  const cores = attempt(() => usableCores());
  const trials = await tryWorkers();
  const { start, answer, closures, module } = trials;
  return {
    system: `${type()} ${release()}, ${arch()}`,
    node: process.version,
    cores,
    memory: { total: totalmem(), free: freemem(), limit: memoryLimit() },
    sharedMemory: { sharedArrayBuffer: typeof SharedArrayBuffer === 'function', devShm: devShm() },
    processes: processes(),
    worker: { start, answer },
    closures,
    typescript: {
      native: (process.features as { typescript?: string | false }).typescript || false,
      oxcTransform: hasOxc(),
      module,
    },
    usable: !('error' in cores) && start.ok && answer.ok,
  };
}

interface Trials {
  readonly start: Trial;
  readonly answer: Trial;
  readonly closures: Trial;
  readonly module: Trial;
}

/** Without an answer nothing more is tried: it would only take as long again. */
async function tryWorkers(): Promise<Trials> {
  const untried: Trial = { ok: false, ms: 0, error: 'not tried, since no worker answers' };
  const none = { answer: untried, closures: untried, module: untried };
  // A pool tries a start that fails again and again, with pauses.
  const thread = await trial(startThread, true);
  if (!thread.ok) return { start: thread, ...none };
  const pool = new Pool({ workers: 1, name: 'simul doctor' });
  try {
    const calls = pool.with({ deadline: LIMIT });
    const start = await trial(() => calls.run(Math.max, 1, 2), 2);
    if (!start.ok) return { start, ...none };
    const answer = await trial(() => calls.run(Math.max, 3, 4), 4);
    const word = 'captured';
    const closures = await trial(() => calls.run(() => word), word);
    return { start, answer, closures, module: await tryTypeScript(calls) };
  } finally {
    await pool.terminate();
  }
}

/** Whether a thread runs at all; true once it does. */
function startThread(): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const worker = new Worker('', { eval: true });
    const timer = setTimeout(() => {
      reject(new Error(`a thread did not start within ${LIMIT} ms`));
      void worker.terminate();
    }, LIMIT);
    worker.once('exit', () => clearTimeout(timer));
    worker.once('error', reject);
    worker.once('online', () => resolve(true));
  });
}

async function trial<T>(act: () => PromiseLike<T>, expected: T): Promise<Trial> {
  const begun = performance.now();
  const done = (): number => Math.round((performance.now() - begun) * 100) / 100;
  try {
    const value = await act();
    if (value === expected) return { ok: true, ms: done() };
    return { ok: false, ms: done(), error: `it gave ${String(value)} and not ${String(expected)}` };
  } catch (error) {
    return { ok: false, ms: done(), error: (error as Error).message };
  }
}

async function tryTypeScript(pool: Pool): Promise<Trial> {
  let folder: string;
  try {
    folder = mkdtempSync(join(tmpdir(), 'simul-doctor-'));
  } catch (error) {
    return { ok: false, ms: 0, error: (error as Error).message };
  }
  try {
    const file = join(folder, 'module.mts');
    writeFileSync(file, 'enum Answer { yes = 42 }\nexport default (): number => Answer.yes;\n');
    const stand = exportByName({ specifier: pathToFileURL(file).href }, 'default') as () => number;
    return await trial(() => pool.run(stand), 42);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function attempt<T>(act: () => T): T | { readonly error: string } {
  try {
    return act();
  } catch (error) {
    return { error: (error as Error).message };
  }
}

/** The cgroup's; libuv says 0, or more than there is, where there is none. */
function memoryLimit(): number | undefined {
  const limit = process.constrainedMemory();
  return limit > 0 && limit < totalmem() ? limit : undefined;
}

function processes(): Machine['processes'] {
  const memory = sharedMemory();
  return memory.system === undefined ? { by: 'pipes', why: memory.why } : { by: 'shared memory' };
}

function devShm(): number | undefined {
  const folder = '/dev/shm';
  if (!existsSync(folder)) return undefined;
  try {
    accessSync(folder, constants.W_OK);
    const { bavail, bsize } = statfsSync(folder);
    return bavail * bsize;
  } catch {
    return undefined;
  }
}

function hasOxc(): boolean {
  try {
    createRequire(import.meta.url)('oxc-transform');
    return true;
  } catch {
    return false;
  }
}

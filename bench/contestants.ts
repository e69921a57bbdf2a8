/** The libraries that are compared, each behind the same face, used as its own documentation tells. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Piscina } from 'piscina';
import { FixedClusterPool, FixedThreadPool } from 'poolifier';
import { Pool } from 'simul';
import { Tinypool } from 'tinypool';
import workerpool from 'workerpool';
import { functions, type Job, type JobName } from './jobs.js';
import type { Role } from './table.js';

export const WORKERS = 2;

export interface Contestant {
  readonly name: string;
  readonly role: Role;
  /** One call in a worker. */
  call(job: JobName, argument: unknown): PromiseLike<unknown>;
  /** A job over many items. */
  map(job: JobName, items: readonly unknown[]): PromiseLike<unknown[]>;
  close(): Promise<unknown>;
}

const workerFile = (name: string): string => fileURLToPath(new URL(`./workers/${name}`, import.meta.url));

function callEach(call: Contestant['call']): Contestant['map'] {
  return (job, items) => Promise.all(items.map((item) => call(job, item)));
}

export function simul(kind: 'thread' | 'process' = 'thread'): Contestant {
  const pool = new Pool({ workers: WORKERS, kind });
  return {
    name: kind === 'thread' ? 'simul' : 'simul, processes',
    role: 'simul',
    call: (job, argument) => pool.run(functions[job] as (a: unknown) => unknown, argument),
    map: (job, items) => pool.map(items, functions[job] as (a: unknown) => unknown),
    close: () => pool.close(),
  };
}

function piscina(concurrentTasksPerWorker: number): Contestant {
  const pool = new Piscina({
    filename: workerFile('piscina.mjs'),
    minThreads: WORKERS,
    maxThreads: WORKERS,
    concurrentTasksPerWorker,
  });
  const call = (job: JobName, argument: unknown) => pool.run({ job, argument } satisfies Job);
  return {
    name: concurrentTasksPerWorker === 1 ? 'piscina' : `piscina, ${concurrentTasksPerWorker} a worker`,
    role: 'peer',
    call,
    map: callEach(call),
    close: () => pool.close(),
  };
}

/** What a patient user writes: chunks of 1000 items, or fewer where there are few. */
function piscinaByHand(): Contestant {
  const inner = piscina(1);
  return {
    ...inner,
    name: 'piscina, by hand',
    map: async (job, items) => {
      const size = Math.min(1000, Math.ceil(items.length / (4 * WORKERS)));
      const chunks: unknown[] = [];
      for (let i = 0; i < items.length; i += size)
        chunks.push({ many: job, items: items.slice(i, i + size) });
      return ((await Promise.all(chunks.map((chunk) => inner.call('echo', chunk)))) as unknown[][]).flat();
    },
  };
}

/** A peer whose workers may be threads or processes. */
type Kind = 'peer' | 'peer process';

const named = (name: string, kind: Kind): string => (kind === 'peer' ? name : `${name}, processes`);

/** Processes get typed arrays as such: by default some are sent JSON. */
function tinypool(kind: Kind = 'peer'): Contestant {
  const pool = new Tinypool({
    filename: workerFile('piscina.mjs'),
    minThreads: WORKERS,
    maxThreads: WORKERS,
    ...(kind === 'peer' ? {} : { runtime: 'child_process', serialization: 'advanced' }),
  });
  const call = (job: JobName, argument: unknown) => pool.run({ job, argument } satisfies Job);
  const close = () => pool.destroy();
  return { name: named('tinypool', kind), role: kind, call, map: callEach(call), close };
}

function workerPool(kind: Kind = 'peer'): Contestant {
  const pool = workerpool.pool(workerFile('workerpool.mjs'), {
    minWorkers: WORKERS,
    maxWorkers: WORKERS,
    workerType: kind === 'peer' ? 'thread' : 'process',
    forkOpts: { serialization: 'advanced' },
  });
  const call = (job: JobName, argument: unknown) =>
    pool.exec('work', [{ job, argument } satisfies Job]) as unknown as Promise<unknown>;
  const close = () => pool.terminate() as unknown as Promise<unknown>;
  return { name: named('workerpool', kind), role: kind, call, map: callEach(call), close };
}

function poolifier(kind: Kind = 'peer'): Contestant {
  const pool =
    kind === 'peer'
      ? new FixedThreadPool<Job, unknown>(WORKERS, workerFile('poolifier.mjs'))
      : new FixedClusterPool<Job, unknown>(WORKERS, workerFile('poolifier-cluster.cjs'), {
          settings: { serialization: 'advanced' },
        });
  const call = (job: JobName, argument: unknown) => pool.execute({ job, argument });
  const close = () => pool.destroy();
  return { name: named('poolifier', kind), role: kind, call, map: callEach(call), close };
}

export const peers = {
  piscina: () => piscina(1),
  piscina64: () => piscina(64),
  piscinaByHand,
  tinypool: () => tinypool(),
  workerPool: () => workerPool(),
  poolifier: () => poolifier(),
};

/** Simul and the peers, each as its documentation begins. */
export function asDocumented(): Contestant[] {
  return [simul(), peers.piscina(), peers.tinypool(), peers.workerPool(), peers.poolifier()];
}

/** Simul's processes, the peers' threads, and the processes of those that have them. */
export function withProcesses(): Contestant[] {
  const [, ...threads] = asDocumented();
  const kind = 'peer process';
  return [simul('process'), ...threads, tinypool(kind), workerPool(kind), poolifier(kind)];
}

/** Not every peer's `close` settles: the timer keeps this process alive meanwhile, and goes on without them. */
export async function closeAll(contestants: readonly Contestant[]): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise((resolve) => {
    timer = setTimeout(resolve, 5000);
  });
  await Promise.race([Promise.all(contestants.map((each) => each.close())), late]);
  clearTimeout(timer);
}

/** `name version` of everything that is compared. */
export function versions(): string {
  const require = createRequire(import.meta.url);
  const names = ['piscina', 'tinypool', 'workerpool', 'poolifier'];
  const found = names.map((name) => {
    const main = require.resolve(name);
    const root = main.slice(0, main.lastIndexOf(`node_modules/${name}`) + `node_modules/${name}`.length);
    return `${name} ${(JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string }).version}`;
  });
  return found.join(', ');
}

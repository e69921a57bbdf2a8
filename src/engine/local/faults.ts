/** What the engine says of what went wrong. */
import { type Packed, pack } from '../../codec/index.js';
import { EngineError, PoolClosedError, type SimulError, WorkerCrashedError } from '../../errors.js';
import type { ExitReason } from '../../transport/index.js';
import { type Death, deathOf } from './death.js';
import type { GiveUp } from './deeds.js';
import type { Group, Job } from './job.js';
import type { WorkerHost } from './worker-host.js';

/** The reason of a cancellation, for the task's signal; one that cannot travel by its text. `apart`: to another process. */
export function packReason(reason: unknown, apart: boolean): Packed {
  try {
    return pack(reason, { apart });
  } catch {
    return pack(new Error(String(reason)));
  }
}

/** For the item that ran on a worker when it died or had to be stopped. */
export function crashError(host: WorkerHost, job: Job, item: number): WorkerCrashedError {
  const { name } = job.spec;
  const label = name === undefined ? `task ${job.base + item}` : `task "${name}" (${job.base + item})`;
  const attempt = `attempt ${job.spec.attempt}`;
  if (host.stopReason !== undefined) {
    return new WorkerCrashedError(
      `${label} ran on worker ${host.place.worker}, which had to be stopped: ${host.stopReason} (${attempt})`,
      host.overrun,
    );
  }
  const exit = host.exit ?? UNKNOWN;
  const death = deathOf(exit, host.heapLimit);
  const message = `the worker died while ${label} ran (${death.words}, ${attempt})`;
  return new WorkerCrashedError(message + lastLines(exit, death), crashOptions(exit, death));
}

/** What was printed explains a death that nothing else does. */
function lastLines({ error, stderr }: ExitReason, { memoryLimit, memoryUsed }: Death): string {
  if (error !== undefined || !stderr || (memoryLimit ?? memoryUsed) !== undefined) return '';
  return `; its last lines on stderr:\n${stderr}`;
}

const UNKNOWN: ExitReason = { code: undefined, error: undefined };

function crashOptions(
  { error, code, signal, stderr }: ExitReason,
  { memoryUsed, memoryLimit }: Death,
): ConstructorParameters<typeof WorkerCrashedError>[1] {
  return { cause: error, exitCode: code, signal, stderr, memoryUsed, memoryLimit };
}

/** For an item that ran when its pool was stopped. */
export function endedError(
  { message }: Error,
  { spec }: Group,
  index: number,
  worker: number,
): PoolClosedError {
  const label = spec.name === undefined ? `task ${index}` : `task "${spec.name}" (${index})`;
  return new PoolClosedError(`${message} while ${label} ran on worker ${worker}`);
}

/** The end of a worker that may have been the end of others. */
export interface LastDeath {
  readonly exit: ExitReason;
  readonly heapLimit: number | undefined;
}

/** For jobs that can not run at all. */
export function giveUpError(pool: string, why: GiveUp, last: LastDeath | undefined): SimulError {
  const exit = last?.exit ?? UNKNOWN;
  const death = deathOf(exit, last?.heapLimit);
  const cause = exit.error ?? new Error(death.words + lastLines(exit, death));
  switch (why) {
    case 'starts':
      return new EngineError(
        `the workers of ${pool} end before they run anything: see the cause for the last one`,
        { cause },
      );
    case 'deaths':
      return new WorkerCrashedError(
        'one worker after the other died before this task could start: what it imports may end them',
        { ...crashOptions(exit, death), cause },
      );
    case 'slots':
      return new EngineError(`all workers of ${pool} are full of tasks that wait for calls of their own`);
    default:
      return why satisfies never;
  }
}

/** An error that ends a worker between two tasks would be heard by nobody. */
export function warnUnheard(pool: string, worker: number, error: unknown): void {
  if (error === undefined) return;
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  const message = `worker ${worker} of ${pool} was ended by an error between tasks: ${text}`;
  process.emitWarning(message, { code: 'SIMUL_WORKER_CRASHED' });
}

export function initFailed(pool: string, cause: Error): EngineError {
  return new EngineError(`init of ${pool} failed in a worker: ${cause.message}`, { cause });
}

/** What the engine says of what went wrong. */
import { type Packed, pack } from '../../codec/index.js';
import { WorkerCrashedError } from '../../errors.js';
import type { Job } from './job.js';
import type { WorkerHost } from './worker-host.js';

/** The reason of a cancellation, for the task's signal; one that cannot travel by its text. */
export function packReason(reason: unknown): Packed {
  try {
    return pack(reason);
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
    );
  }
  const { code, error } = host.exit ?? { code: undefined, error: undefined };
  const why =
    error instanceof Error
      ? `${error.name}: ${error.message}`
      : error === undefined
        ? `exit code ${code ?? 'unknown'}`
        : String(error);
  return new WorkerCrashedError(`the worker died while ${label} ran (${why}, ${attempt})`, {
    cause: error,
    exitCode: code,
  });
}

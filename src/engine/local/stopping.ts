/** How running tasks and idle workers are brought to an end: asked first, made to where they do not hear. */
import { toWire } from '../../protocol/index.js';
import { packReason } from './faults.js';
import type { Job } from './job.js';
import type { WorkerHost } from './worker-host.js';

/** When a worker is stopped of which more may be on its way, in ms. */
const AGAIN = 10;

/**
 * Asks an item of a posted job to stop; -1 for whichever runs, since which one that is may not be known here yet.
 * Gives what is to be done after the grace: the worker is stopped where the item still runs, and its other jobs move.
 */
export function askToStop(
  host: WorkerHost,
  job: Job,
  item: number,
  reason: unknown,
  why: string,
  retire: () => void,
): () => void {
  const { handle } = host;
  handle.requestCancel(job.slot, item);
  const wire = toWire(packReason(reason, host.apart), new Set());
  handle.send({ type: 'cancel', slot: job.slot, item, reason: wire });
  const force = (): void => {
    // Over, or given back before it began.
    const next = item < 0 ? job.results : item;
    if (job.phase === 'over' || job.results > next || next >= job.kept || host.place.phase === 'gone') return;
    host.stopReason = `task t${job.spec.task} ${why} and did not stop within its grace of ${job.spec.limits.grace} ms`;
    retire();
    handle.terminate();
  };
  return () => {
    // A thread that was busy since may not know that the item has ended, and that another one runs there now.
    if (host.place.phase === 'gone' || handle.look()) force();
    else setTimeout(force, AGAIN);
  };
}

/** Asks a worker to end; gives what is to be done where it cannot hear, since something its tasks left holds it. */
export function endWorker(host: WorkerHost): () => void {
  host.handle.send({ type: 'stop' });
  return () => {
    if (!host.heardStop && host.place.phase !== 'gone') host.handle.terminate();
  };
}

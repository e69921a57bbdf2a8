/** Looks at the memory of worker processes while the pool has work, and acts before the system does. */
import { outside } from '../../util/outside.js';
import { showBytes } from '../../util/show-bytes.js';
import type { Place } from './place.js';
import { MEMORY_EVERY, MEMORY_TOLERANCE } from './policy.js';
import type { PoolState } from './state.js';
import type { WorkerHost } from './worker-host.js';

export interface MemoryWatchHost {
  readonly state: PoolState;
  readonly hosts: ReadonlyMap<Place, WorkerHost>;
  /** The pool has work. */
  busy(): boolean;
  /** A task runs on this worker. */
  runs(place: Place): boolean;
}

export class MemoryWatch {
  readonly #limit: number | undefined;
  readonly #engine: MemoryWatchHost;
  #timer: NodeJS.Timeout | undefined;

  /** `limit`: bytes a worker may have. */
  constructor(limit: number | undefined, engine: MemoryWatchHost) {
    this.#limit = limit;
    this.#engine = engine;
  }

  /** There is work. After its end one look more follows, so that short pieces of work are seen too. */
  plan(): void {
    if (this.#limit === undefined || this.#timer !== undefined) return;
    const look = (): void => {
      this.#timer = undefined;
      for (const [place, { handle }] of [...this.#engine.hosts]) {
        if (place.phase === 'ready' || place.phase === 'retiring') handle.measure?.();
      }
      if (this.#engine.busy()) this.plan();
    };
    this.#timer = outside(() => setTimeout(look, MEMORY_EVERY));
    this.#timer.unref();
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  /** The worker has so many bytes. */
  heard(place: Place, used: number): void {
    const limit = this.#limit;
    const host = this.#engine.hosts.get(place);
    if (limit === undefined || host === undefined || used <= limit) return;
    const runs = this.#engine.runs(place);
    if (runs && used > limit * MEMORY_TOLERANCE) return this.#end(host, used, limit);
    // One that has run nothing would be replaced by another like it.
    if (runs || place.ran > 0) this.#engine.state.renew(place);
  }

  #end(host: WorkerHost, used: number, limit: number): void {
    if (host.stopReason !== undefined) return;
    host.stopReason = `it used ${showBytes(used)} of memory, over ${MEMORY_TOLERANCE} times its maxMemory of ${showBytes(limit)}`;
    host.overrun = { memoryUsed: used, memoryLimit: limit };
    this.#engine.state.retire(host.place);
    host.handle.terminate();
  }
}

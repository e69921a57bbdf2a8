import type { AssetBounds, Packed } from '../../codec/index.js';
import type { StartWorker } from '../../transport/index.js';

export interface LocalEngineOptions {
  readonly workers: number;
  readonly tasksPerWorker: number;
  readonly maxTasksPerWorker: number;
  /** Workers kept in reserve for those that die, once the pool has work. */
  readonly spares: number;
  /** ms without work after which a worker is stopped; undefined for never. */
  readonly idleTimeout: number | undefined;
  readonly queueLimit: number;
  readonly name: string;
  readonly init: Packed | undefined;
  readonly maxHeapMiB: number | undefined;
  /** Bytes that a worker process may have. */
  readonly maxMemory: number | undefined;
  readonly env: NodeJS.ProcessEnv | undefined;
  readonly execArgv: readonly string[] | undefined;
  /** How much of what it has sent the engine keeps, in case it comes back by its hash. */
  readonly assetBounds?: AssetBounds | undefined;
  /** Workers are processes. */
  readonly apart: boolean;
  readonly startWorker: StartWorker;
  /** Makes an error of what a failed `init` sent. */
  readonly initError: (error: Packed, then: (error: Error) => void) => void;
}

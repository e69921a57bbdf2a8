/** What leads to a child and back: memory that both have mapped (`memory-way.ts`), or pipes (`socket-way.ts`). */
import type { ChildProcess } from 'node:child_process';
import type { Segment } from '../memory/index.js';
import type { JobHead, LinkParts } from '../protocol/index.js';
import type { WorkerEvents } from './transport.js';

export interface Way {
  readonly segment: Segment;
  readonly parts: LinkParts;
  /** The child's argument, by which it finds the way. */
  readonly argument: string;
  /** The child's descriptors 3 and 4. */
  readonly files: readonly [number | 'pipe', 'pipe'];
  /** The engine's events, with what the way itself has to know of them. */
  watch(events: WorkerEvents): WorkerEvents;
  /** The child has been started; `broken` is told of what no child does. */
  connect(child: ChildProcess, broken: (error: Error) => void): void;
  /** A child has been started, or there will be none. */
  settled(): void;
  posted(slot: number, head: JobHead): void;
  flush(): void;
  /** Fetches what the child has sent so far; false where more may be on its way: it may have waited for this. */
  look(): boolean;
  /** The child is gone: fetches what it left, and lets go of everything. */
  close(): void;
}

import type { MessagePort } from 'node:worker_threads';
import type { Segment, SegmentBuffers } from '../memory/index.js';
import type { LinkParts, RingPort, WirePacked } from '../protocol/index.js';
import type { ParkingHost } from './parking.js';

/** What a worker is started with. */
export interface WorkerSetup {
  readonly version: number;
  readonly worker: number;
  /** How many workers its pool has. */
  readonly workers: number;
  readonly concurrency: number;
  readonly segment: SegmentBuffers | Segment;
  readonly port: MessagePort | RingPort;
  /** Where memory is mirrored: what the rings are written to and read from, and what tells the parent. */
  readonly mirror?: Pick<LinkParts, 'writer' | 'reader' | 'peer'> | undefined;
  /** What keeps the event loop going when nothing else does: the channel to the parent. */
  readonly channel: ParkingHost['channel'];
  /** In a process of its own: nothing can be shared with the parent. */
  readonly apart: boolean;
  readonly init: WirePacked | undefined;
}

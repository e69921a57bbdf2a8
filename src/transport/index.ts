export { type Batch, type Column, type Entries, forEntries, partOf } from './batch.js';
export { Keeper } from './keeper.js';
export { startProcess } from './process.js';
export { type SharedMemory, sharedMemory } from './shared-memory.js';
export { startThread } from './thread.js';
export {
  type Body,
  type ExitReason,
  type Items,
  isMoved,
  partsOf,
  plainBody,
  type StartWorker,
  type WorkerEvents,
  type WorkerHandle,
  type WorkerSpec,
} from './transport.js';

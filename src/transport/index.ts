export { startThread } from './thread.js';
export type {
  Body,
  ExitReason,
  Items,
  StartWorker,
  WorkerEvents,
  WorkerHandle,
  WorkerSpec,
} from './transport.js';

export type { Around, GuidedLoop } from './around.js';
export { currentTask, type Task, type TaskContext, task, taskId, type Waits } from './context.js';
export { openProcess, type ProcessSetup, tellOfDeath } from './process-channel.js';
export { currentWorker, startWorker, type WorkerRuntime } from './runtime.js';
export { type ReaderSetup, startReader } from './socket-reader.js';
export { STREAM_WINDOW } from './streams.js';
export { workerLocal } from './worker-local.js';
export type { WorkerSetup } from './worker-setup.js';

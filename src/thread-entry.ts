/** Where a worker thread begins. */
import { workerData } from 'node:worker_threads';
import { onTypeScriptNeeded, provideSelf } from './codec/index.js';
import { selfByName } from './self-by-name.js';
import { startWorker, type WorkerSetup } from './worker/index.js';
import { installTypeScript } from './worker/typescript/index.js';

onTypeScriptNeeded(installTypeScript);
provideSelf(selfByName);
void startWorker((workerData as { simul: WorkerSetup }).simul);

/** Where a worker begins: a thread, or a process. */
import { isMainThread, workerData } from 'node:worker_threads';
import { onTypeScriptNeeded, provideSelf } from './codec/index.js';
import { selfByName } from './self-by-name.js';
import { openProcess, startWorker, tellOfDeath, type WorkerSetup } from './worker/index.js';
import { installTypeScript } from './worker/typescript/index.js';

onTypeScriptNeeded(installTypeScript);
provideSelf(selfByName);
if (isMainThread) tellOfDeath(startWorker(openProcess()));
else startWorker((workerData as { simul: WorkerSetup }).simul);

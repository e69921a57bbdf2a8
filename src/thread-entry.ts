/** Where a worker begins: a thread, or a process (and the thread that reads for it). */
import { isMainThread, workerData } from 'node:worker_threads';
import { onTypeScriptNeeded, provideSelf } from './codec/index.js';
import { selfByName } from './self-by-name.js';
import {
  openProcess,
  type ReaderSetup,
  startReader,
  startWorker,
  tellOfDeath,
  type WorkerSetup,
} from './worker/index.js';
import { installTypeScript } from './worker/typescript/index.js';

onTypeScriptNeeded(installTypeScript);
provideSelf(selfByName);
const given = workerData as { simul: WorkerSetup } | { simulReader: ReaderSetup } | null;
if (isMainThread) tellOfDeath(startWorker(openProcess()));
else if (given !== null && 'simulReader' in given) startReader(given.simulReader);
else startWorker((given as { simul: WorkerSetup }).simul);

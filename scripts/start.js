// npm start: builds where that is needed, then runs the main job.
import { join } from 'node:path';
import { example } from './example.js';
import { isStale, node, root } from './run.js';

if (isStale()) node([join(root, 'scripts/build.js')], { stdio: ['ignore', 2, 2] });
await example('flight-delays', process.argv.slice(2));

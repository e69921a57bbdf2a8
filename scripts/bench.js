// npm run bench [-- question…]: builds, compiles bench/ and runs it against dist/.
import { cpSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { isStale, node, root, tsc } from './run.js';

if (isStale()) node([join(root, 'scripts/build.js')]);
const out = join(root, '.cache/bench');
rmSync(out, { recursive: true, force: true });
tsc('bench/tsconfig.json');
cpSync(join(root, 'bench/workers'), join(out, 'workers'), { recursive: true });
node([join(out, 'main.js'), ...process.argv.slice(2)]);

// npm test [-- paths]: builds, compiles the tests and runs them against dist/. With --stress (npm run stress): the tests
// below test/stress instead, each for SIMUL_STRESS_SECONDS. With --again: all has passed on another Node, and what does not
// depend on its version is left out.
import { rmSync } from 'node:fs';
import { join, relative } from 'node:path';
import { files, node, root, tsc } from './run.js';

// Types as other compilers see them, and the suites of `api` that run on processes with shared memory as well.
const ONCE =
  /^(packaging\/consumer-types|socket\/(crashes|deadlocks|endings|failures|futures|items|limits|put))\.test\.js$/;

const args = process.argv.slice(2);
const stress = args.includes('--stress');
const again = args.includes('--again');
const wanted = args.filter((arg) => !arg.startsWith('--'));

if (!args.includes('--no-build')) {
  node([join(root, 'scripts/build.js')]);
  rmSync(join(root, '.cache/test'), { recursive: true, force: true });
  tsc('test/tsconfig.json');
}
const compiled = join(root, '.cache/test');
const tests = [...files(compiled)].filter((file) => {
  if (!file.endsWith('.test.js')) return false;
  const name = relative(compiled, file);
  if (name.startsWith('stress') !== stress) return false;
  if (again && ONCE.test(name)) return false;
  return wanted.length === 0 || wanted.some((part) => name.includes(part));
});
if (tests.length === 0) {
  console.error(`no test matches ${wanted.join(' ')}`);
  process.exit(1);
}
// The limit holds for files as well, and a file of stress has its seconds and what its last rounds take.
const seconds = Number(process.env.SIMUL_STRESS_SECONDS ?? 300);
const limits = stress
  ? ['--expose-gc', `--test-timeout=${(seconds + 600) * 1000}`]
  : ['--test-timeout=120000'];
node(['--test', '--test-concurrency=2', ...limits, '--test-reporter=spec', ...tests]);

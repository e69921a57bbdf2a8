import assert from 'node:assert/strict';
import test from 'node:test';
import { Scratch } from './support.js';

const limits = { timeout: 60_000 };

test('doctor says what the machine offers', limits, async (t) => {
  const scratch = new Scratch(t);
  const { code, stdout, stderr } = await scratch.start(['doctor'], { env: { SIMUL_WORKERS: '3' } }).ended;
  assert.equal(stderr, '');
  assert.equal(code, 0);
  for (const line of [
    /^Node +v\d+/m,
    /^usable cores +3 \(\d+ by affinity, .*, SIMUL_WORKERS says 3\)$/m,
    /^memory +.* free$/m,
    /^memory limit +/m,
    /^shared memory +SharedArrayBuffer, /m,
    /^worker starts +yes, in [\d.]+ ms$/m,
    /^worker answers +yes, in [\d.]+ ms$/m,
    /^closures +yes, in [\d.]+ ms$/m,
    /^TypeScript +yes, in [\d.]+ ms; native: .*; oxc-transform: yes$/m,
    /^processes +by shared memory$/m,
    /^Ray +not part of this version$/m,
    /^Simul works here\.$/m,
  ]) {
    assert.match(stdout, line);
  }
});

test('doctor where processes share no memory', limits, async (t) => {
  const scratch = new Scratch(t);
  const { stdout } = await scratch.start(['doctor'], { env: { SIMUL_SHARED_MEMORY: 'off' } }).ended;
  assert.match(stdout, /^processes +by pipes: SIMUL_SHARED_MEMORY is off$/m);
});

test('doctor --json', limits, async (t) => {
  const { code, stdout } = await new Scratch(t).run(['doctor', '--json']);
  const machine = JSON.parse(stdout) as { usable: boolean; worker: { start: { ok: boolean; ms: number } } };
  assert.equal(machine.usable, true);
  assert.equal(machine.worker.start.ok, true);
  assert.ok(machine.worker.start.ms > 0);
  assert.equal(code, 0);
});

test('doctor on a machine that cannot run workers: status 1, and why', limits, async (t) => {
  const scratch = new Scratch(t);
  const flag =
    Number(process.versions.node.split('.')[0]) >= 24 ? '--permission' : '--experimental-permission';
  const noWorkers = await scratch.start(['doctor'], { nodeArgs: [flag, '--allow-fs-read=*'] }).ended;
  assert.equal(noWorkers.code, 1);
  assert.match(noWorkers.stdout, /^worker starts +no: Access to this API has been restricted/m);
  assert.match(noWorkers.stdout, /^closures +no: not tried, since no worker answers$/m);
  assert.match(noWorkers.stdout, /^Simul does not work here\.$/m);
  const noInspector = await scratch.start(['doctor'], {
    nodeArgs: [flag, '--allow-fs-read=*', '--allow-fs-write=*', '--allow-worker'],
  }).ended;
  assert.match(noInspector.stdout, /^closures +no: .*inspector/m);
  assert.equal(noInspector.code, 0);
  const wrong = await scratch.start(['doctor'], { env: { SIMUL_WORKERS: '-1' } }).ended;
  assert.match(wrong.stdout, /^usable cores +SIMUL_WORKERS must be/m);
  assert.equal(wrong.code, 1);
});

test('doctor where workers hang gives up once, after three seconds', limits, async (t) => {
  const scratch = new Scratch(t);
  scratch.write({
    'hang.mjs': `import { isMainThread } from 'node:worker_threads'; if (!isMainThread) for (;;);`,
  });
  const nodeArgs = ['--import', './hang.mjs'];
  const { code, stdout } = await scratch.start(['doctor', '--json'], { nodeArgs }).ended;
  assert.equal(code, 1);
  const { worker, closures } = JSON.parse(stdout) as Record<string, { start: Trial } & Trial>;
  assert.equal(worker!.start.ok, false);
  assert.match(worker!.start.error, /3000 ms/);
  assert.match(closures!.error, /not tried/);
});

interface Trial {
  readonly ok: boolean;
  readonly error: string;
}

import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import test from 'node:test';
import { usableCores } from '#simul/util/usable-cores.js';

/** What is found under a root with these files. */
function under(files: Record<string, string>, env: NodeJS.ProcessEnv = {}): ReturnType<typeof usableCores> {
  const root = mkdtempSync(join(tmpdir(), 'simul-cores-'));
  try {
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(dirname(join(root, path)), { recursive: true });
      writeFileSync(join(root, path), text);
    }
    return usableCores(env, root);
  } finally {
    rmSync(root, { recursive: true });
  }
}

test('a quota of cgroup v2 counts, the smallest on the way up, rounded up', () => {
  const found = under({
    'proc/self/cgroup': '0::/a/b\n',
    'sys/fs/cgroup/a/b/cpu.max': 'max 100000\n',
    'sys/fs/cgroup/a/cpu.max': '50000 100000\n',
    'sys/fs/cgroup/cpu.max': '800000 100000\n',
  });
  assert.equal(found.quota, 0.5);
  assert.equal(found.cores, 1);
});

test('a quota of cgroup v1 counts', () => {
  const found = under({
    'proc/self/cgroup': '4:memory:/x\n3:cpu,cpuacct:/x\n',
    'sys/fs/cgroup/cpu/x/cpu.cfs_quota_us': '100000\n',
    'sys/fs/cgroup/cpu/x/cpu.cfs_period_us': '100000\n',
  });
  assert.equal(found.quota, 1);
  assert.equal(found.cores, 1);
});

test('junk, nothing and no limit are tolerated', () => {
  for (const max of ['', 'max', 'junk', '-1 100000', '0 0', 'max 100000']) {
    const found = under({ 'proc/self/cgroup': '0::/\nnonsense', 'sys/fs/cgroup/cpu.max': max });
    assert.equal(found.quota, undefined);
    assert.equal(found.cores, found.affinity);
  }
  assert.ok(under({}).cores >= 1);
});

test('SIMUL_WORKERS goes first, and has to be a whole number', () => {
  assert.equal(usableCores({ SIMUL_WORKERS: '7' }).cores, 7);
  for (const value of ['0', '-1', '2.5', 'many']) {
    assert.throws(() => usableCores({ SIMUL_WORKERS: value }), { code: 'SIMUL_INVALID_OPTION' });
  }
});

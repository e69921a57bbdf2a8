/**
 * How many cores this process may really use. `os.availableParallelism()` honours affinity, but on Node 20 not the
 * CPU quota of a container (libuv#4146).
 */
import { existsSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { posix } from 'node:path';
import { InvalidOptionError } from '../errors.js';

export interface UsableCores {
  /** What a pool takes by default. */
  readonly cores: number;
  /** Cores this process may be scheduled on. */
  readonly affinity: number;
  /** Cores' worth of time the cgroup grants, where it limits it. */
  readonly quota: number | undefined;
  /** SIMUL_WORKERS, where it is set. */
  readonly override: number | undefined;
}

let known: UsableCores | undefined;

/** @throws InvalidOptionError where SIMUL_WORKERS is no positive whole number. */
export function usableCores(env: NodeJS.ProcessEnv = process.env, root = '/'): UsableCores {
  const override = overrideIn(env);
  if (known === undefined || root !== '/') {
    const affinity = Math.max(1, availableParallelism());
    const quota = process.platform === 'linux' ? cgroupQuota(root) : undefined;
    const cores = quota === undefined ? affinity : Math.max(1, Math.min(affinity, Math.ceil(quota)));
    const found = { cores, affinity, quota, override: undefined };
    if (root !== '/') return { ...found, cores: override ?? cores, override };
    known = found;
  }
  return { ...known, cores: override ?? known.cores, override };
}

function overrideIn(env: NodeJS.ProcessEnv): number | undefined {
  const value = env['SIMUL_WORKERS'];
  if (value === undefined || value.trim() === '') return undefined;
  const workers = Number(value);
  if (Number.isInteger(workers) && workers > 0) return workers;
  throw new InvalidOptionError(`SIMUL_WORKERS must be a positive whole number, not ${JSON.stringify(value)}`);
}

/** The smallest quota on the way from this process's cgroup to the root. */
function cgroupQuota(root: string): number | undefined {
  const groups = read(root, '/proc/self/cgroup') ?? '';
  const quotas: number[] = [];
  for (const line of groups.split('\n')) {
    const [, controllers, path] = /^\d+:([^:]*):(.*)$/.exec(line) ?? [];
    if (path === undefined) continue;
    if (controllers === '') quotas.push(...walk(root, '/sys/fs/cgroup', path, quotaV2));
    else if (controllers?.split(',').includes('cpu')) {
      quotas.push(...walk(root, '/sys/fs/cgroup/cpu', path, quotaV1));
      quotas.push(...walk(root, '/sys/fs/cgroup/cpu,cpuacct', path, quotaV1));
    }
  }
  return quotas.length === 0 ? undefined : Math.min(...quotas);
}

function walk(
  root: string,
  mount: string,
  path: string,
  quotaOf: (root: string, folder: string) => number | undefined,
): number[] {
  const quotas: number[] = [];
  for (let at = posix.normalize(`/${path}`); ; at = posix.dirname(at)) {
    const quota = quotaOf(root, posix.join(mount, at));
    if (quota !== undefined) quotas.push(quota);
    if (at === '/') return quotas;
  }
}

function quotaV2(root: string, folder: string): number | undefined {
  const [quota, period] = (read(root, posix.join(folder, 'cpu.max')) ?? '').trim().split(/\s+/);
  return ratio(quota, period ?? '100000');
}

function quotaV1(root: string, folder: string): number | undefined {
  return ratio(
    read(root, posix.join(folder, 'cpu.cfs_quota_us')),
    read(root, posix.join(folder, 'cpu.cfs_period_us')),
  );
}

/** Undefined for "max", -1, nothing and junk alike: then nothing is known to be limited. */
function ratio(quota: string | undefined, period: string | undefined): number | undefined {
  const q = Number(quota?.trim() || Number.NaN);
  const p = Number(period?.trim() || Number.NaN);
  return q > 0 && p > 0 && Number.isFinite(q) && Number.isFinite(p) ? q / p : undefined;
}

function read(root: string, path: string): string | undefined {
  const file = posix.join(root, path);
  try {
    // Most of them are not there, and to make an error of each would take longer than all else here.
    return existsSync(file) ? readFileSync(file, 'utf8') : undefined;
  } catch {
    return undefined;
  }
}

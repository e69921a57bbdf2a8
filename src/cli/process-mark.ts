import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** What tells a process from a later one with the same id: when it started. `unknown` where that cannot be asked. */
export type ProcessMark = string;

const UNKNOWN: ProcessMark = 'unknown';

/** Undefined where there is no such process, or one that has ended and only waits to be collected. */
export function processMark(pid: number): ProcessMark | undefined {
  if (!exists(pid)) return undefined;
  try {
    return process.platform === 'linux' ? linuxMark(pid) : posixMark(pid);
  } catch {
    // It has ended just now, or this system does not tell.
    return exists(pid) ? UNKNOWN : undefined;
  }
}

/** True if the process that had this mark lives. */
export function isAlive(pid: number, mark: ProcessMark): boolean {
  const now = processMark(pid);
  return now !== undefined && (now === mark || now === UNKNOWN || mark === UNKNOWN);
}

function exists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as { code?: string }).code === 'EPERM';
  }
}

function linuxMark(pid: number): ProcessMark | undefined {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  // The second field is a name in brackets, which may hold anything; the third is the state, the 22nd the start.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  if (fields[0] === 'Z' || fields[0] === 'X') return undefined;
  const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  return `${boot}/${fields[19]}`;
}

function posixMark(pid: number): ProcessMark {
  if (process.platform === 'win32') return UNKNOWN;
  const options = { encoding: 'utf8', env: { ...process.env, LC_ALL: 'C', TZ: 'UTC' } } as const;
  return execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], options).trim();
}

/** How much memory a worker process has: asked of the system where that says, of the worker itself elsewhere. */
import { readFileSync } from 'node:fs';

/** Bytes of memory that a process holds now; undefined where the system does not say. */
export function residentMemory(pid: number, proc = '/proc'): number | undefined {
  try {
    const kiB = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`${proc}/${pid}/status`, 'latin1'));
    return kiB === null ? undefined : Number(kiB[1]) * 1024;
  } catch {
    return undefined;
  }
}

/** There is a folder of processes: what it does not say of one is that it has ended. */
export const systemTells = residentMemory(process.pid) !== undefined;

/** Whether processes share memory here. */
import { type Native, native } from '../memory/index.js';

/** The system's calls for it, or why processes do without it. */
export type SharedMemory = { readonly system: Native } | { readonly system: undefined; readonly why: string };

const SWITCH = 'SIMUL_SHARED_MEMORY';

let found: SharedMemory | undefined;

export function sharedMemory(): SharedMemory {
  if (process.env[SWITCH] === 'off') return { system: undefined, why: `${SWITCH} is off` };
  found ??= look();
  return found;
}

function look(): SharedMemory {
  try {
    return { system: native() };
  } catch (error) {
    return { system: undefined, why: (error as Error).message };
  }
}

import { realpathSync } from 'node:fs';
import { createRequire } from 'node:module';
import { getEnvironmentData, isMainThread, setEnvironmentData } from 'node:worker_threads';

/**
 * The files that must never run again in a worker: the script the process was started with, and, in a worker
 * thread of the user's own, that thread's script too.
 */
const key = 'simul:entry';
let files: Set<string> | undefined;
const MOST_ASKED = 2000;
const asked = new Map<string, boolean>();

function real(path: string | undefined): string | undefined {
  if (!path || path.startsWith('[')) return undefined;
  try {
    return realpathSync(path);
  } catch {
    try {
      // `node app` for app.js, `node .` for a folder
      return realpathSync(createRequire(`${process.cwd()}/`).resolve(path));
    } catch {
      return undefined;
    }
  }
}

// Worker threads are born with a copy of their parent's environment data, however they are started.
if (isMainThread && getEnvironmentData(key) === undefined) {
  const entry = real(process.argv[1]);
  if (entry !== undefined) setEnvironmentData(key, entry);
}

export function isEntry(path: string): boolean {
  if (!files) {
    const inherited = getEnvironmentData(key);
    files = new Set();
    if (typeof inherited === 'string') files.add(inherited);
    const own = real(process.argv[1]);
    if (own !== undefined) files.add(own);
  }
  if (files.has(path)) return true;
  // Asked for every closure of the file: the disk is asked once.
  let entry = asked.get(path);
  if (entry === undefined) {
    entry = files.has(real(path) ?? path);
    if (asked.size >= MOST_ASKED) asked.clear();
    asked.set(path, entry);
  }
  return entry;
}

/** The script that the program was started with, for {@link setEntry} in another process. */
export function entryFile(): string | undefined {
  const inherited = getEnvironmentData(key);
  return typeof inherited === 'string' ? inherited : real(process.argv[1]);
}

/** For hosts that run the user's entry module themselves: a worker process told about its parent's entry. */
export function setEntry(path: string): void {
  isEntry('');
  const entry = real(path);
  asked.clear();
  if (entry !== undefined) files?.add(entry);
  if (entry !== undefined && isMainThread) setEnvironmentData(key, entry);
}

/**
 * One run at a time for a journal: a file beside it, made at once with all it holds, that says which process has it. One of a
 * process that is no more is taken over, by one process only: who removes it has first made a claim that is named after it.
 */
import { randomUUID } from 'node:crypto';
import { linkSync, readFileSync, realpathSync, unlinkSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { isAlive, type ProcessMark, processMark } from './process-mark.js';
import { reasonOf } from './records.js';
import { UsageError } from './usage.js';

interface Holder {
  /** Of this lock alone. */
  readonly id: string;
  readonly pid: number;
  readonly mark: ProcessMark;
  readonly host: string;
}

/** Until this process ends. @throws UsageError where a process that lives has it. */
export function lockJournal(journal: string): void {
  try {
    const file = `${join(realpathSync(dirname(resolve(journal))), basename(journal))}.lock`;
    const mine: Holder = {
      id: randomUUID(),
      pid: process.pid,
      mark: processMark(process.pid)!,
      host: hostname(),
    };
    for (let other = tryCreate(file, mine); other !== 'made'; other = tryCreate(file, mine)) {
      if (other === 'gone') continue;
      if (lives(other)) throw inUse(journal, file, other);
      takeAway(journal, file, other, mine);
    }
    process.once('exit', () => release(file, mine));
  } catch (error) {
    if (error instanceof UsageError) throw error;
    throw new UsageError(`${journal}: the journal cannot be locked: ${reasonOf(error)}`);
  }
}

/** `gone`: there was one when it was to be made, but no more when it was to be read. */
function tryCreate(file: string, mine: Holder): Holder | 'made' | 'gone' {
  const beside = `${file}.${mine.id}`;
  writeFileSync(beside, JSON.stringify(mine));
  try {
    linkSync(beside, file);
    return 'made';
  } catch (error) {
    const { code } = error as { code?: string };
    if (code === 'EEXIST') return holderOf(file) ?? 'gone';
    // A file system without links.
    if (code !== 'EPERM' && code !== 'ENOTSUP' && code !== 'ENOSYS') throw error;
    return createInPlace(file, mine);
  } finally {
    unlinkSync(beside);
  }
}

function createInPlace(file: string, mine: Holder): Holder | 'made' | 'gone' {
  try {
    writeFileSync(file, JSON.stringify(mine), { flag: 'wx' });
    return 'made';
  } catch (error) {
    if ((error as { code?: string }).code !== 'EEXIST') throw error;
    return holderOf(file) ?? 'gone';
  }
}

function holderOf(file: string): Holder | undefined {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as { code?: string }).code === 'ENOENT') return undefined;
    throw error;
  }
  try {
    const { id, pid, mark, host } = JSON.parse(text) as Holder;
    if (typeof id === 'string' && /^[\w-]+$/.test(id) && Number.isInteger(pid))
      return { id, pid, mark, host };
  } catch {
    // Half of one, or something else: below.
  }
  throw new UsageError(`${file} is no lock of simul map; remove it, or name another journal`);
}

function lives({ pid, mark, host }: Holder): boolean {
  // Nothing can be asked about a process elsewhere.
  return host !== hostname() || isAlive(pid, mark);
}

function inUse(journal: string, file: string, { pid, host }: Holder): UsageError {
  const elsewhere = host === hostname() ? '' : ` on ${host}; if that has ended, remove ${file}`;
  return new UsageError(`${journal} is in use: another run has this journal, process ${pid}${elsewhere}`);
}

/** Removes the lock of a dead process, unless that has been done. */
function takeAway(journal: string, file: string, dead: Holder, mine: Holder): void {
  const claim = `${file}.${dead.id}.claim`;
  const other = tryCreate(claim, mine);
  if (other === 'gone') return;
  if (other !== 'made') {
    if (lives(other)) throw inUse(journal, file, other);
    return remove(claim);
  }
  try {
    // Nobody else removes this very lock while the claim is there.
    if (holderOf(file)?.id === dead.id) remove(file);
  } finally {
    remove(claim);
  }
}

function release(file: string, mine: Holder): void {
  try {
    if (holderOf(file)?.id === mine.id) remove(file);
  } catch {
    // It is stale from now on, and will be taken over.
  }
}

function remove(file: string): void {
  try {
    unlinkSync(file);
  } catch (error) {
    if ((error as { code?: string }).code !== 'ENOENT') throw error;
  }
}

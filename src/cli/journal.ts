/** The file of --resume: what a run is, and how far it has come. The folder's README has the protocol. */
import { closeSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Range } from './done-set.js';
import { type ModuleFile, moduleFiles } from './module-files.js';
import { OutputError } from './output-file.js';
import type { OutputKind } from './output-format.js';
import { reasonOf, type Source } from './records.js';
import { UsageError } from './usage.js';

/** What has to be the same for a run to go on. */
export interface RunIdentity {
  readonly inputs: readonly {
    readonly file: string;
    readonly format: string;
    readonly bytes: number;
    readonly modified: number;
  }[];
  readonly module: string;
  /** The module's file, where it is one, and those of the program that it imports. */
  readonly moduleFiles: readonly ModuleFile[];
  readonly export: string;
  readonly output: string;
  readonly kind: OutputKind;
  readonly unordered: boolean;
}

/** A moment of a run: what it says is true of the first `length` bytes of the output. */
export interface Checkpoint {
  readonly length: number;
  readonly done: readonly Range[];
  readonly written: number;
  readonly failed: number;
  readonly columns: readonly string[] | null;
  /** True once the output is finished. */
  readonly ended: boolean;
}

const FORMAT = 2;

interface Contents {
  readonly simulJournal: typeof FORMAT;
  readonly run: RunIdentity;
  readonly checkpoint: Checkpoint;
}

/** @throws UsageError for inputs that cannot be read a second time. */
export function identityOf(
  sources: readonly Source[],
  module: { readonly name: string; readonly file: string | undefined; readonly export: string },
  output: { readonly file: string; readonly kind: OutputKind; readonly unordered: boolean },
): RunIdentity {
  return {
    inputs: sources.map(({ file, format, stats }) => {
      if (stats?.isFile() !== true) {
        const name = file === '-' ? 'standard input' : `${file}, which is no regular file,`;
        throw new UsageError(`--resume needs FILES: ${name} cannot be read a second time`);
      }
      return { file: resolve(file), format, bytes: stats.size, modified: stats.mtimeMs };
    }),
    module: module.file ?? module.name,
    moduleFiles: module.file === undefined ? [] : moduleFiles(module.file),
    export: module.export,
    output: resolve(output.file),
    kind: output.kind,
    unordered: output.unordered,
  };
}

export class Journal {
  readonly #file: string;
  readonly #run: RunIdentity;

  constructor(file: string, run: RunIdentity) {
    this.#file = file;
    this.#run = run;
  }

  /** The last checkpoint, if there is one. @throws UsageError where it is of another run, or no journal. */
  load(): Checkpoint | undefined {
    let text: string;
    try {
      text = readFileSync(this.#file, 'utf8');
    } catch (error) {
      if ((error as { code?: string }).code === 'ENOENT') return undefined;
      throw new UsageError(`${this.#file}: the journal cannot be read: ${reasonOf(error)}`);
    }
    // As mktemp leaves it.
    if (text === '') return undefined;
    const { run, checkpoint } = this.#parse(text);
    const changes = changesBetween(run, this.#run);
    if (changes.length > 0) {
      throw new UsageError(
        `${this.#file} is the journal of another run: ${changes.join('; ')}. Undo that, or name a new journal to begin anew`,
      );
    }
    return checkpoint;
  }

  #parse(text: string): Contents {
    let contents: Partial<Contents> | null;
    try {
      contents = JSON.parse(text) as Partial<Contents> | null;
    } catch {
      contents = null;
    }
    const { simulJournal, run, checkpoint } = contents ?? {};
    if (simulJournal !== FORMAT || run === undefined || checkpoint === undefined) {
      const what = typeof simulJournal === 'number' ? 'a journal of another version' : 'no journal';
      throw new UsageError(`${this.#file} is ${what} of simul map; name another file`);
    }
    return { simulJournal, run, checkpoint };
  }

  /** Replaces the journal as a whole. @throws OutputError */
  save(checkpoint: Checkpoint): void {
    const contents: Contents = { simulJournal: FORMAT, run: this.#run, checkpoint };
    const beside = `${this.#file}.tmp`;
    try {
      const fd = openSync(beside, 'w');
      try {
        writeAll(fd, Buffer.from(`${JSON.stringify(contents)}\n`));
        fsyncSync(fd);
      } finally {
        closeSync(fd);
      }
      renameSync(beside, this.#file);
    } catch (error) {
      throw new OutputError(`${this.#file}: the journal cannot be written: ${reasonOf(error)}`);
    }
  }
}

function writeAll(fd: number, bytes: Uint8Array): void {
  let from = 0;
  while (from < bytes.length) from += writeSync(fd, bytes, from);
}

/** What differs, as a user would say it. */
function changesBetween(then: RunIdentity, now: RunIdentity): string[] {
  const changes: string[] = [];
  const differs = (what: string, before: unknown, after: unknown): void => {
    if (before !== after) changes.push(`${what} was ${String(before)} and is ${String(after)}`);
  };
  differs('the number of inputs', then.inputs.length, now.inputs.length);
  for (const [i, input] of now.inputs.entries()) {
    const before = then.inputs[i];
    if (before === undefined) break;
    differs(`input ${i + 1}`, before.file, input.file);
    if (before.file !== input.file) continue;
    differs(`the format of ${input.file}`, before.format, input.format);
    if (before.bytes !== input.bytes || before.modified !== input.modified) {
      changes.push(`${input.file} has changed since`);
    }
  }
  differs('MODULE', then.module, now.module);
  if (then.module === now.module) changes.push(...changedFiles(then.moduleFiles, now.moduleFiles));
  differs('EXPORT', then.export, now.export);
  differs('--output', then.output, now.output);
  if (then.unordered !== now.unordered) {
    changes.push(then.unordered ? 'it had --unordered' : 'it did not have --unordered');
  }
  return changes;
}

/** One that is new or gone is a change of the file that imports it, or of where its name leads to. */
function changedFiles(then: readonly ModuleFile[], now: readonly ModuleFile[]): string[] {
  const before = new Map(then.map(({ file, hash }) => [file, hash]));
  const after = new Map(now.map(({ file, hash }) => [file, hash]));
  const files = [...new Set([...after.keys(), ...before.keys()])];
  return files
    .filter((file) => before.get(file) !== after.get(file))
    .map((file) => `${file} has changed since`);
}

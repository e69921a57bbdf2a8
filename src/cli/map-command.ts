import { existsSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { Pool } from '../api/index.js';
import type { MapSettings } from './command-line.js';
import { type Checkpoint, identityOf, Journal, type RunIdentity } from './journal.js';
import { lockJournal } from './journal-lock.js';
import { Ledger } from './ledger.js';
import { MapRun } from './map-run.js';
import { OutputError, OutputFile, ReaderGone } from './output-file.js';
import { outputFormat, outputKind } from './output-format.js';
import { InputError, RecordReader, type Source, sourcesOf } from './records.js';
import { type Reporter, reporter } from './reporter.js';
import { Stop, Stopped } from './stop.js';
import { UsageError } from './usage.js';
import { checkExport, recordFunction, type UserModule, userModule } from './user-module.js';

/** Runs `simul map`; gives the exit status. @throws UsageError before anything is written. */
export async function mapCommand(settings: MapSettings): Promise<number> {
  const sources = sourcesOf(settings.files, settings.format);
  const module = userModule(settings.module);
  refuseSameFile(settings, sources);
  const kind = outputKind(settings.output);
  const journal = journalOf(settings, sources, module);
  if (settings.journal !== undefined) lockJournal(settings.journal);
  const from = journal?.load();
  if (from?.ended === true) return alreadyDone(settings, from);

  const stop = new Stop();
  const told = reporter(settings.progress, settings.output === undefined && process.stdout.isTTY === true);
  const pool = new Pool({
    ...(settings.workers === undefined ? {} : { workers: settings.workers }),
    name: 'simul map',
    // Standard output is for results alone.
    init: () => {
      process.stdout.write = process.stderr.write.bind(process.stderr);
    },
  });
  try {
    await checkExport(pool, module, stop.signal);
    const output = await openOutput(settings, from);
    const format = outputFormat(kind, from?.columns ?? null);
    const ledger = new Ledger(output, format, journal, from, (error) => stop.stop(error));
    const reader = new RecordReader(sources);
    const fn = recordFunction(module);
    const run = new MapRun({ settings, pool, reader, fn, ledger, reporter: told, signal: stop.signal });
    return await finish(run, ledger, told, settings);
  } catch (error) {
    if (error instanceof Stopped) {
      told.line(`simul: ${error.message} before the first record`);
      return error.status;
    }
    throw error;
  } finally {
    await pool.terminate();
  }
}

/** Runs it to its end, whatever that is. */
async function finish(run: MapRun, ledger: Ledger, told: Reporter, settings: MapSettings): Promise<number> {
  try {
    await run.run();
    run.report();
    if (run.halted) {
      await ledger.flush();
      told.end();
      told.line(
        `simul: halted at the first record that failed; ${countOf(ledger)} done${howToGoOn(settings)}`,
      );
      return 1;
    }
    await ledger.end();
    told.end();
    if (ledger.failed === 0) return 0;
    told.line(`simul: ${ledger.failed} of ${countOf(ledger)} failed`);
    return 1;
  } catch (error) {
    run.report();
    told.end();
    if (error instanceof ReaderGone) return 0;
    if (error instanceof OutputError) {
      told.line(`simul: ${error.message}${howToGoOn(settings)}`);
      return 1;
    }
    if (!(error instanceof Stopped || error instanceof InputError)) throw error;
    try {
      await ledger.flush();
    } catch (cause) {
      if (!(cause instanceof ReaderGone)) told.line(`simul: ${(cause as Error).message}`);
    }
    told.line(`simul: ${error.message}; ${countOf(ledger)} done${howToGoOn(settings)}`);
    return error instanceof Stopped ? error.status : 1;
  }
}

function countOf(ledger: Ledger): string {
  const { size } = ledger.done;
  return `${size} record${size === 1 ? '' : 's'}`;
}

function howToGoOn({ journal }: MapSettings): string {
  return journal === undefined ? '' : '; the same command goes on from there';
}

function alreadyDone({ output }: MapSettings, { written, failed }: Checkpoint): number {
  if (output === undefined || !existsSync(output)) {
    throw new UsageError(`the journal says that all is done, but its output ${output} is gone`);
  }
  process.stderr.write(
    `simul: all is done already: ${written} results are in ${output}${failed > 0 ? `, ${failed} records failed` : ''}\n`,
  );
  return failed > 0 ? 1 : 0;
}

function journalOf(
  { journal, output, unordered }: MapSettings,
  sources: readonly Source[],
  module: UserModule,
): Journal | undefined {
  if (journal === undefined || output === undefined) return undefined;
  const kind = outputKind(output);
  const run: RunIdentity = identityOf(sources, module, { file: output, kind, unordered });
  return new Journal(journal, run);
}

async function openOutput(
  { output, journal }: MapSettings,
  from: Checkpoint | undefined,
): Promise<OutputFile> {
  if (output === undefined) return OutputFile.standard();
  if (from === undefined) {
    const file = OutputFile.create(output);
    if (journal !== undefined && !file.isFile) {
      throw new UsageError(
        `--resume: ${output} is no regular file and cannot be cut back to where it is right`,
      );
    }
    return file;
  }
  const file = OutputFile.reopen(output);
  if (file.size < from.length) {
    throw new UsageError(
      `${output} is shorter than ${journal} says: it was changed, or is another file. Name a new journal to begin anew`,
    );
  }
  await file.cut(from.length);
  return file;
}

/** An output that is one of the inputs would be emptied before it is read. */
function refuseSameFile({ output, journal, module }: MapSettings, sources: readonly Source[]): void {
  const inputs = sources.map(({ file }) => file).filter((file) => file !== '-');
  for (const [name, file] of [
    ['--output', output],
    ['--resume', journal],
  ] as const) {
    if (file === undefined) continue;
    const others = [...inputs, ...(existsSync(module) ? [module] : [])];
    const same = others.find((other) => isSame(file, other));
    if (same !== undefined) throw new UsageError(`${name} ${file} would overwrite ${same}`);
  }
  if (output !== undefined && journal !== undefined && isSame(output, journal)) {
    throw new UsageError(`--output and --resume name the same file, ${output}`);
  }
}

function isSame(a: string, b: string): boolean {
  if (resolve(a) === resolve(b)) return true;
  const [x, y] = [a, b].map((file) => statSync(file, { throwIfNoEntry: false }));
  return x?.isFile() === true && y?.isFile() === true && x.ino === y.ino && x.dev === y.dev;
}

import { parseArgs } from 'node:util';
import { FORMATS, type Format } from './records.js';
import { UsageError } from './usage.js';

export const PROGRESS = ['auto', 'never', 'json'] as const;
export type ProgressMode = (typeof PROGRESS)[number];

export interface MapSettings {
  readonly module: string;
  readonly files: readonly string[];
  readonly format: Format | undefined;
  /** Undefined for standard output. */
  readonly output: string | undefined;
  readonly workers: number | undefined;
  readonly retries: number;
  readonly timeout: number | undefined;
  readonly unordered: boolean;
  readonly halt: boolean;
  readonly journal: string | undefined;
  readonly progress: ProgressMode;
}

export type Command =
  | { readonly name: 'help' | 'version' }
  | { readonly name: 'map'; readonly settings: MapSettings }
  | { readonly name: 'doctor'; readonly json: boolean };

const text = { type: 'string' } as const;
const flag = { type: 'boolean' } as const;
const HELP_OPTION = { help: { ...flag, short: 'h' } } as const;

const MAP_OPTIONS = {
  ...HELP_OPTION,
  format: text,
  output: { ...text, short: 'o' },
  workers: text,
  kind: text,
  ray: text,
  retries: text,
  timeout: text,
  unordered: flag,
  halt: flag,
  resume: text,
  progress: text,
} as const;

/** @throws UsageError */
export function readCommandLine(args: readonly string[]): Command {
  const [name, ...rest] = args;
  switch (name) {
    case undefined:
      throw new UsageError('a command is missing: map or doctor');
    case 'map':
      return readMap(rest);
    case 'doctor': {
      const { values, positionals } = parse(rest, { ...HELP_OPTION, json: flag });
      if (values.help === true) return { name: 'help' };
      if (positionals.length > 0)
        throw new UsageError(`doctor takes no arguments, but got ${positionals[0]}`);
      return { name: 'doctor', json: values.json === true };
    }
    case 'help':
    case '--help':
    case '-h':
      return { name: 'help' };
    case 'version':
    case '--version':
    case '-v':
      return { name: 'version' };
    case 'bench':
      throw new UsageError('bench is not part of this version');
    default:
      throw new UsageError(
        name.startsWith('-')
          ? `unknown option ${name}; options of a command stand after it`
          : `unknown command ${name}; there are map and doctor`,
      );
  }
}

function parse<const O extends NonNullable<Parameters<typeof parseArgs>[0]>['options'] & object>(
  args: readonly string[],
  options: O,
) {
  try {
    return parseArgs({ args: [...args], options, allowPositionals: true, strict: true });
  } catch (error) {
    const { code, message } = error as { code?: string; message: string };
    if (code === undefined || !code.startsWith('ERR_PARSE_ARGS')) throw error;
    // The rest of the message tells how to pass it as a file name.
    const short = message.replace(/\. To specify a positional .*$/s, '').replace(/\s*\n/g, ' ');
    throw new UsageError(short.replace(/^[A-Z]/, (c) => c.toLowerCase()));
  }
}

function readMap(args: readonly string[]): Command {
  const { values, positionals } = parse(args, MAP_OPTIONS);
  if (values.help === true) return { name: 'help' };
  const [module, ...files] = positionals;
  if (module === undefined || module === '') {
    throw new UsageError('map needs a MODULE: simul map ./score.mjs data.csv');
  }
  if (values.ray !== undefined) throw new UsageError('--ray: this version cannot use a Ray cluster');
  if (values.kind === 'process') {
    throw new UsageError('--kind process: this version cannot run worker processes, only threads');
  }
  oneOf('--kind', values.kind ?? 'thread', ['thread']);
  const output = values.output === '-' ? undefined : values.output;
  if (values.resume !== undefined && output === undefined) {
    throw new UsageError(
      '--resume needs --output F: what went to standard output cannot be cut back to where it is right',
    );
  }
  return {
    name: 'map',
    settings: {
      module,
      files,
      format: values.format === undefined ? undefined : formatGiven(values.format),
      output,
      workers: values.workers === undefined ? undefined : whole('--workers', values.workers, 1),
      retries: values.retries === undefined ? 0 : whole('--retries', values.retries, 0),
      timeout: values.timeout === undefined ? undefined : milliseconds('--timeout', values.timeout),
      unordered: values.unordered === true,
      halt: values.halt === true,
      journal: values.resume,
      progress: oneOf('--progress', values.progress ?? 'auto', PROGRESS),
    },
  };
}

function formatGiven(given: string): Format {
  if (given === 'parquet') {
    throw new UsageError('--format parquet: this version cannot read Parquet files');
  }
  return oneOf('--format', given, FORMATS);
}

function oneOf<T extends string>(option: string, given: string, allowed: readonly T[]): T {
  const found = allowed.find((value) => value === given);
  if (found === undefined) {
    throw new UsageError(`${option} must be ${allowed.join(' or ')}, not ${JSON.stringify(given)}`);
  }
  return found;
}

function whole(option: string, given: string, least: number): number {
  const value = Number(given);
  if (/^\d+$/.test(given) && Number.isSafeInteger(value) && value >= least) return value;
  throw new UsageError(`${option} must be a whole number, ${least} or more, not ${JSON.stringify(given)}`);
}

function milliseconds(option: string, given: string): number {
  const value = Number(given);
  if (given.trim() !== '' && Number.isFinite(value) && value > 0) return value;
  throw new UsageError(
    `${option} must be a number of milliseconds greater than 0, not ${JSON.stringify(given)}`,
  );
}

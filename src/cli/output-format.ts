/** Results as text, one after the other. Pure: what has been written is told by the caller. */
import { extname } from 'node:path';
import { UsageError } from './usage.js';

export type OutputKind = 'ndjson' | 'json' | 'csv';

export interface OutputFormat {
  readonly kind: OutputKind;
  /** Names of a CSV's columns, from its first row; null until then and for other kinds. */
  readonly columns: readonly string[] | null;
  /** The text that one more result adds. @throws Error where it does not fit the ones before. */
  add(json: string, written: number): string;
  /** The text that ends the output. */
  end(written: number): string;
}

/** @throws UsageError for an ending that names a format which cannot be written. */
export function outputKind(file: string | undefined): OutputKind {
  switch (file === undefined ? '' : extname(file).toLowerCase()) {
    case '.csv':
      return 'csv';
    case '.json':
      return 'json';
    case '.parquet':
      throw new UsageError(`${file}: this version cannot write Parquet files; name a .csv or .ndjson file`);
    default:
      return 'ndjson';
  }
}

export function outputFormat(kind: OutputKind, columns: readonly string[] | null = null): OutputFormat {
  switch (kind) {
    case 'ndjson':
      return { kind, columns: null, add: (json) => `${json}\n`, end: () => '' };
    case 'json':
      return {
        kind,
        columns: null,
        add: (json, written) => (written === 0 ? '[\n' : ',\n') + json,
        end: (written) => (written === 0 ? '[]\n' : '\n]\n'),
      };
    case 'csv':
      return new Csv(columns);
    default:
      return kind satisfies never;
  }
}

/** Objects by the names of the first one; anything else is a row with the one column `value`. */
class Csv implements OutputFormat {
  readonly kind = 'csv';
  columns: readonly string[] | null;

  constructor(columns: readonly string[] | null) {
    this.columns = columns;
  }

  add(json: string): string {
    const row = rowOf(JSON.parse(json));
    const names = Object.keys(row);
    const first = this.columns === null;
    const columns = this.columns ?? names;
    const unknown = names.find((name) => !columns.includes(name));
    if (unknown !== undefined) {
      throw new Error(
        `the result has ${JSON.stringify(unknown)}, for which the CSV has no column: its first row has ${columns.join(', ')}`,
      );
    }
    if (columns.length === 0)
      throw new Error('the result is an object without properties, which is no CSV row');
    this.columns = columns;
    const line = lineOf(columns.map((name) => (Object.hasOwn(row, name) ? cell(row[name]) : '')));
    return first ? lineOf(columns.map(quoted)) + line : line;
  }

  end(): string {
    return '';
  }
}

function rowOf(value: unknown): Readonly<Record<string, unknown>> {
  const isObject = value !== null && typeof value === 'object' && !Array.isArray(value);
  return isObject ? (value as Record<string, unknown>) : { value };
}

function cell(value: unknown): string {
  if (value === null) return '';
  if (typeof value === 'string') return quoted(value);
  return typeof value === 'object' ? quoted(JSON.stringify(value)) : String(value);
}

function quoted(text: string): string {
  return /[",\r\n]|^\s|\s$/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** A lone empty cell is quoted: an empty line would not be a row. */
function lineOf(cells: readonly string[]): string {
  return `${cells.length === 1 && cells[0] === '' ? '""' : cells.join(',')}\n`;
}

/** Records of files, one at a time, in bounded memory. */
import { createReadStream, type Stats, statSync } from 'node:fs';
import { extname } from 'node:path';
import type { Readable } from 'node:stream';
import { csvRows, type Row } from './csv-rows.js';
import { jsonItems, MalformedInput } from './json-items.js';
import { lines } from './lines.js';
import { UsageError } from './usage.js';

export const FORMATS = ['lines', 'ndjson', 'csv', 'json'] as const;
export type Format = (typeof FORMATS)[number];

/** A value, the JSON text of one, or why there is neither. */
export type Content = { readonly value: unknown } | { readonly json: string } | { readonly error: string };

export interface InputRecord {
  readonly file: string;
  /** 1-based, within its file. */
  readonly number: number;
  readonly content: Content;
}

export interface Source {
  /** As given; `-` is standard input. */
  readonly file: string;
  readonly format: Format;
  /** Undefined for standard input. */
  readonly stats: Stats | undefined;
}

/** An input that failed while it was read: what follows in it is unknown, so nothing can be said to be done. */
export class InputError extends Error {}

/** @throws UsageError for an input that is not there, or in a format that is not known. */
export function sourcesOf(files: readonly string[], format: Format | undefined): Source[] {
  const given = files.length === 0 ? ['-'] : files;
  if (given.indexOf('-') !== given.lastIndexOf('-')) {
    throw new UsageError('standard input (-) is named twice, but can be read only once');
  }
  return given.map((file) => ({ file, format: formatOf(file, format), stats: statsOf(file) }));
}

function formatOf(file: string, given: Format | undefined): Format {
  if (given !== undefined) return given;
  switch (extname(file).toLowerCase()) {
    case '.csv':
      return 'csv';
    case '.json':
      return 'json';
    case '.ndjson':
    case '.jsonl':
      return 'ndjson';
    case '.parquet':
      throw new UsageError(
        `${file}: this version cannot read Parquet files; convert it to CSV or NDJSON first`,
      );
    default:
      return 'lines';
  }
}

function statsOf(file: string): Stats | undefined {
  if (file === '-') return undefined;
  let stats: Stats;
  try {
    stats = statSync(file);
  } catch (error) {
    throw new UsageError(`${file}: the input cannot be opened: ${reasonOf(error)}`);
  }
  if (stats.isDirectory()) throw new UsageError(`${file} is a folder; name the files in it`);
  return stats;
}

/** Reads all records of all sources, in order, and knows how far it is. */
export class RecordReader {
  readonly #sources: readonly Source[];
  /** Bytes of all inputs; undefined where one has no length. */
  readonly bytes: number | undefined;
  /** Records so far, and about how many bytes they took. */
  count = 0;
  bytesUsed = 0;
  ended = false;

  constructor(sources: readonly Source[]) {
    this.#sources = sources;
    this.bytes = sources.every(({ stats }) => stats?.isFile() === true)
      ? sources.reduce((sum, { stats }) => sum + stats!.size, 0)
      : undefined;
  }

  /** Those that are read together come together. @throws InputError where an input fails while it is read. */
  async *records(): AsyncGenerator<InputRecord[]> {
    for (const { file, format } of this.#sources) {
      const stream = file === '-' ? process.stdin : createReadStream(file);
      let number = 0;
      try {
        for await (const batch of contents(stream, format)) {
          this.count += batch.length;
          yield batch.map((content) => {
            number += 1;
            this.bytesUsed += sizeOf(content);
            return { file, number, content };
          });
        }
      } catch (error) {
        if (!(error instanceof MalformedInput)) {
          throw new InputError(`${file}: the input cannot be read further: ${reasonOf(error)}`);
        }
        this.count += 1;
        yield [{ file, number: number + 1, content: { error: error.message } }];
      }
    }
    this.ended = true;
  }
}

async function* contents(stream: Readable, format: Format): AsyncGenerator<Content[]> {
  if (format === 'csv') {
    for await (const row of csvRows(stream)) {
      yield [row instanceof Error ? { error: row.message } : { value: row }];
    }
    return;
  }
  stream.setEncoding('utf8');
  const chunks = stream as AsyncIterable<string>;
  switch (format) {
    case 'lines':
      for await (const batch of lines(chunks)) yield batch.map((value) => ({ value }));
      return;
    case 'ndjson':
      for await (const batch of lines(chunks)) {
        yield batch.filter((json) => json.trim() !== '').map((json) => ({ json }));
      }
      return;
    case 'json':
      for await (const batch of jsonItems(chunks)) yield batch.map((json) => ({ json }));
      return;
    default:
      format satisfies never;
  }
}

/** With what ends it; of a CSV's row without its quotes. */
function sizeOf(content: Content): number {
  if ('json' in content) return Buffer.byteLength(content.json) + 1;
  if ('error' in content) return content.error.length;
  if (typeof content.value === 'string') return Buffer.byteLength(content.value) + 1;
  let size = 0;
  for (const cell of Object.values(content.value as Row)) size += Buffer.byteLength(cell) + 1;
  return size;
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  EACCES: 'permission denied',
  EISDIR: 'it is a folder',
  ENOSPC: 'no space is left on the device',
  EROFS: 'the file system is read-only',
  ENOTDIR: 'a part of its path is not a folder',
  EIO: 'input/output error',
};

/** What a system error means, in words where there are some. */
export function reasonOf(error: unknown): string {
  const { code, message } = error as { code?: string; message?: string };
  const words = code === undefined ? undefined : REASONS[code];
  return words === undefined ? (message ?? String(error)) : `${words} (${code})`;
}

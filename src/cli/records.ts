/** Records of files, one at a time, in bounded memory. */
import { createReadStream } from 'node:fs';
import { extname } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { parse } from 'csv-parse';
import { jsonItems } from './json-items.js';
import { UsageError } from './usage.js';

export const FORMATS = ['lines', 'ndjson', 'csv', 'json'] as const;
export type Format = (typeof FORMATS)[number];

export interface InputRecord {
  readonly file: string;
  /** 1-based, within its file. */
  readonly number: number;
  readonly value: unknown;
  /** Set where the record could not be read: it counts as failed. */
  readonly error?: Error;
}

export function formatOf(file: string, given: Format | undefined): Format {
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
        `${file}: Parquet files cannot be read by this version; convert it to CSV or NDJSON`,
      );
    default:
      return 'lines';
  }
}

/** All records of all files, in order; `-` is standard input. */
export async function* records(
  files: readonly string[],
  format: Format | undefined,
): AsyncGenerator<InputRecord> {
  for (const file of files) {
    const input = file === '-' ? process.stdin : createReadStream(file);
    let number = 0;
    for await (const record of values(input, formatOf(file, format))) {
      number += 1;
      yield { file, number, ...record };
    }
  }
}

type Value = Pick<InputRecord, 'value' | 'error'>;

function values(input: Readable, format: Format): AsyncIterable<Value> {
  switch (format) {
    case 'lines':
      return lines(input);
    case 'ndjson':
      return ndjson(input);
    case 'csv':
      return csv(input);
    case 'json':
      return json(input);
    default:
      return format satisfies never;
  }
}

async function* lines(input: Readable): AsyncGenerator<Value> {
  for await (const value of createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })) yield { value };
}

async function* ndjson(input: Readable): AsyncGenerator<Value> {
  for await (const { value } of lines(input)) {
    const line = value as string;
    if (line.trim() === '') continue;
    yield parsed(line);
  }
}

function parsed(text: string): Value {
  try {
    return { value: JSON.parse(text) };
  } catch (error) {
    return { value: undefined, error: new Error(`it is not JSON: ${(error as Error).message}`) };
  }
}

/** Rows as objects, by the names in the first row. */
async function* csv(input: Readable): AsyncGenerator<Value> {
  const parser = input.pipe(parse({ columns: true, bom: true, skip_empty_lines: true }));
  input.on('error', (error) => parser.destroy(error));
  for await (const value of parser) yield { value };
}

/** The items of an array; anything else is one record. */
async function* json(input: Readable): AsyncGenerator<Value> {
  for await (const text of jsonItems(input)) yield parsed(text);
}

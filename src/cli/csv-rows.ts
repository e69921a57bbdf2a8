import type { Readable } from 'node:stream';
import { CsvError, parse } from 'csv-parse';
import { MalformedInput } from './json-items.js';

export type Row = Readonly<Record<string, string>>;

/**
 * The rows after the header, as objects by its names; a row with more or fewer cells is an Error in its place.
 *
 * @throws MalformedInput where quotes are wrong or two columns have one name.
 */
export async function* csvRows(input: Readable): AsyncGenerator<Row | Error> {
  const parser = parse({ bom: true, skip_empty_lines: true, relax_column_count: true });
  input.on('error', (error) => parser.destroy(error));
  input.pipe(parser);
  let header: string[] | undefined;
  try {
    for await (const cells of parser as AsyncIterable<string[]>) {
      if (header === undefined) {
        header = cells;
        const twice = cells.find((name, i) => cells.indexOf(name) !== i);
        if (twice !== undefined) {
          throw new MalformedInput(`the header names the column ${JSON.stringify(twice)} twice`);
        }
      } else if (cells.length === header.length) yield rowOf(header, cells);
      else yield new Error(`the row has ${cells.length} cells where the header has ${header.length}`);
    }
  } catch (error) {
    throw error instanceof CsvError ? new MalformedInput(`it is not CSV: ${error.message}`) : error;
  } finally {
    input.destroy();
  }
}

function rowOf(header: readonly string[], cells: readonly string[]): Row {
  // An own property whatever its name: `__proto__` is data.
  return Object.fromEntries(header.map((name, i) => [name, cells[i]!]));
}

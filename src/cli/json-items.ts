/** Cuts a JSON array into the texts of its items as it streams by; another value is one item. */
import type { Readable } from 'node:stream';

export async function* jsonItems(input: Readable): AsyncGenerator<string> {
  const cutter = new Cutter();
  input.setEncoding('utf8');
  for await (const chunk of input) yield* cutter.feed(chunk as string);
  yield* cutter.end();
}

class Cutter {
  /** Undefined until the first character that is not white space. */
  #isArray: boolean | undefined;
  #item = '';
  #depth = 0;
  #inString = false;
  #escaped = false;
  #closed = false;

  *feed(chunk: string): Generator<string> {
    let start = 0;
    for (let i = 0; i < chunk.length; i++) {
      const c = chunk[i]!;
      if (this.#isArray === undefined) {
        if (/[\s\ufeff]/.test(c)) continue;
        this.#isArray = c === '[';
        start = this.#isArray ? i + 1 : i;
        if (this.#isArray) continue;
      }
      if (!this.#isArray) break;
      if (this.#inString) {
        if (this.#escaped) this.#escaped = false;
        else if (c === '\\') this.#escaped = true;
        else if (c === '"') this.#inString = false;
      } else if (c === '"') this.#inString = true;
      else if (c === '{' || c === '[') this.#depth += 1;
      else if ((c === '}' || c === ']') && this.#depth > 0) this.#depth -= 1;
      else if ((c === ',' || c === ']') && this.#depth === 0 && !this.#closed) {
        const text = (this.#item + chunk.slice(start, i)).trim();
        this.#item = '';
        start = i + 1;
        if (c === ']') this.#closed = true;
        if (text !== '' || c === ',') yield text;
      }
    }
    this.#item += this.#isArray === undefined ? '' : chunk.slice(start);
  }

  *end(): Generator<string> {
    const rest = this.#item.trim();
    if (this.#isArray === true && !this.#closed) yield rest === '' ? 'the array is not closed' : rest;
    else if (rest !== '') yield rest;
  }
}

/** The input stops being what it says it is; records before this point are good. */
export class MalformedInput extends Error {}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const OPEN_ARRAY = 0x5b;
const CLOSE_ARRAY = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;

/**
 * Cuts a JSON array into the texts of its items as it streams by, those of a chunk together; a text that is not an array is one item. The items
 * are not looked into: who parses them finds what is wrong with them.
 *
 * @throws MalformedInput for what is wrong between items: none, a missing bracket, text after the last.
 */
export async function* jsonItems(chunks: AsyncIterable<string>): AsyncGenerator<string[]> {
  const cutter = new Cutter();
  for await (const chunk of chunks) yield* collected(cutter.feed(chunk));
  yield* collected(cutter.end());
}

/** All items as one; those before a fault come before it. */
function* collected(items: Iterable<string>): Generator<string[]> {
  const all: string[] = [];
  let fault: { error: unknown } | undefined;
  try {
    for (const item of items) all.push(item);
  } catch (error) {
    fault = { error };
  }
  if (all.length > 0) yield all;
  if (fault !== undefined) throw fault.error;
}

class Cutter {
  /** start: nothing but white space yet · value: no array · items: in the array · closed: after it. */
  #state: 'start' | 'value' | 'items' | 'closed' = 'start';
  #item = '';
  #count = 0;
  #depth = 0;
  #inString = false;
  #escaped = false;

  *feed(chunk: string): Generator<string> {
    let text = chunk;
    if (this.#state === 'start') {
      text = text.replace(/^[\s\ufeff]+/, '');
      if (text === '') return;
      this.#state = text.startsWith('[') ? 'items' : 'value';
      if (this.#state === 'items') text = text.slice(1);
    }
    if (this.#state === 'items') text = yield* this.#cut(text);
    if (this.#state === 'closed') this.#nothing(text);
    else this.#item += text;
  }

  /** What is left of the text: the beginning of an item, or what follows the array. */
  *#cut(text: string): Generator<string, string> {
    let start = 0;
    for (let i = 0; i < text.length; i++) {
      const c = text.charCodeAt(i);
      if (this.#inString) {
        if (this.#escaped) this.#escaped = false;
        else if (c === BACKSLASH) this.#escaped = true;
        else if (c === QUOTE) this.#inString = false;
      } else if (c === QUOTE) this.#inString = true;
      else if (c === OPEN_OBJECT || c === OPEN_ARRAY) this.#depth += 1;
      else if (this.#depth > 0) {
        if (c === CLOSE_OBJECT || c === CLOSE_ARRAY) this.#depth -= 1;
      } else if (c === COMMA || c === CLOSE_ARRAY) {
        yield* this.#finish(text.slice(start, i), c === CLOSE_ARRAY);
        start = i + 1;
        if (c === CLOSE_ARRAY) break;
      }
    }
    return text.slice(start);
  }

  *#finish(tail: string, last: boolean): Generator<string> {
    const item = (this.#item + tail).trim();
    this.#item = '';
    if (last) this.#state = 'closed';
    if (item === '') {
      if (last && this.#count === 0) return;
      throw new MalformedInput(
        last ? 'there is a comma before the ]' : 'there is nothing between two commas',
      );
    }
    this.#count += 1;
    yield item;
  }

  #nothing(text: string): void {
    if (text.trim() !== '') throw new MalformedInput('there is text after the end of the array');
  }

  *end(): Generator<string> {
    const rest = this.#item.trim();
    if (this.#state === 'items') {
      throw new MalformedInput('the file ends within the array: its ] is missing');
    }
    if (rest !== '') yield rest;
  }
}

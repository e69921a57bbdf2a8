/**
 * Symbols of one thread: each gets a tag, and whoever decodes the tag makes one symbol for it and knows it again,
 * so that a symbol is itself within a message, between messages and when it comes home.
 */
import { threadToken } from '../../util/token.js';

let made = 0;
const tags = new WeakMap<symbol, string>();
const symbols = new Map<string, WeakRef<symbol>>();
const cleanup = new FinalizationRegistry<string>((tag) => {
  if (symbols.get(tag)?.deref() === undefined) symbols.delete(tag);
});

export function symbolTag(symbol: symbol): string {
  return tags.get(symbol) ?? remember(symbol, `${threadToken}${++made}`);
}

/** The symbol of a tag, which is made where this thread has none. */
export function symbolOf(tag: string, description: string): symbol {
  const known = symbols.get(tag)?.deref();
  if (known !== undefined) return known;
  const copy = Symbol(description);
  remember(copy, tag);
  return copy;
}

function remember(symbol: symbol, tag: string): string {
  tags.set(symbol, tag);
  symbols.set(tag, new WeakRef(symbol));
  cleanup.register(symbol, tag);
  return tag;
}

import { type Node, parseExpressionAt } from 'acorn';

interface ClassBody {
  readonly body: readonly {
    readonly type: string;
    readonly static?: boolean;
    readonly key?: { readonly type: string; readonly name?: string };
  }[];
}

const cache = new WeakMap<Function, readonly string[]>();

/** The private fields and methods that a class itself gives its instances, such as `#count`. */
export function privateNames(type: Function): readonly string[] {
  let names = cache.get(type);
  if (names === undefined) {
    names = findNames(type);
    cache.set(type, names);
  }
  return names;
}

function findNames(type: Function): readonly string[] {
  const text = Function.prototype.toString.call(type);
  if (!text.startsWith('class') || !text.includes('#')) return [];
  let tree: Node;
  try {
    tree = parseExpressionAt(text, 0, { ecmaVersion: 'latest' });
  } catch {
    // Syntax newer than the parser: what looks like a field at the start of a line is one.
    return [...text.matchAll(/^\s*(?:async\s+)?(#[\w$]+)\s*[=;(]/gm)].map((match) => match[1]!);
  }
  const { body } = tree as unknown as { body: ClassBody };
  const names = body.body
    .filter((member) => member.static !== true && member.key?.type === 'PrivateIdentifier')
    .map((member) => `#${member.key!.name}`);
  return [...new Set(names)];
}

import { type AnyNode, type ClassExpression, type FunctionExpression, type Options, parse } from 'acorn';
import { SerializationError } from '../../errors.js';
import { forgets } from './forgets.js';
import { type FreeUse, type LexicalUse, ScopeWalker } from './free-names.js';
import { type Weight, weigh } from './heavy.js';
import type { CodeRecord } from './reading.js';
import { isNode } from './syntax.js';

/** A place in the analysed text, 0-based; the column counts from the text's start on line 0. */
export interface TextPosition {
  readonly line: number;
  readonly column: number;
}

/** What the text of a function says about it; nothing here depends on where or when it runs. */
export interface Analysis {
  readonly form: CodeRecord['form'];
  readonly isClass: boolean;
  readonly isArrow: boolean;
  /** An expression (for methods: a member of an object literal), laid out as the original text. */
  readonly source: string;
  /** True where the text itself gives the function its name. */
  readonly named: boolean;
  /** Free names in order of first use. */
  readonly free: readonly string[];
  readonly writes: ReadonlyMap<string, TextPosition>;
  /** Uses of `this` and its kin that belong to code around the text. */
  readonly lexical: readonly (LexicalUse & { readonly position: TextPosition })[];
  /** The free name that stands for the parent class. */
  readonly heritage: string | undefined;
  /** Free names used where a class is defined (computed member names), which no closure keeps alive. */
  readonly definedWith: ReadonlySet<string>;
  /** Names used while a class is being defined: in static fields and blocks, by its parent. */
  readonly eager: ReadonlySet<string>;
  readonly usesArguments: boolean;
  /** The name that `source` has in place of `import.meta`. */
  readonly importMeta: string | undefined;
  readonly strict: boolean;
  /** See `forgets.ts`; what is imported or provided is not looked at. */
  readonly forgets: boolean;
  /** Whether it is light; see `heavy.ts`. */
  readonly weight: Weight;
  /** The place V8 reports as the function's location: its parameter list, or the start of arrows and classes. */
  readonly anchor: TextPosition;
  readonly parses: boolean;
}

/** Eleven characters like `import.meta`, so that columns hold, and none that the text has already. */
function importMetaName(text: string): string {
  for (let i = 0; ; i++) {
    const name = i === 0 ? 'import$meta' : `import$${i.toString(36).padStart(4, '$')}`;
    if (!text.includes(name)) return name;
  }
}

const limit = 2000;
const known = new Map<string, Analysis>();

/** Analyses the text of a function, method, accessor or class as `Function.prototype.toString` gives it. */
export function analyze(text: string): Analysis {
  const found = known.get(text);
  if (found) return found;
  if (known.size >= limit) known.clear();
  const analysis = analyzeText(text);
  known.set(text, analysis);
  return analysis;
}

export const parseOptions: Options = {
  ecmaVersion: 'latest',
  sourceType: 'script',
  allowImportExportEverywhere: true,
  allowSuperOutsideMethod: true,
  allowHashBang: true,
  checkPrivateFields: false,
};

interface Parsed {
  readonly node: AnyNode;
  readonly form: CodeRecord['form'];
  /** Length of what was put in front of the text. */
  readonly prefix: number;
  /** The text with keys replaced that an object literal cannot hold. */
  readonly text: string;
}

function tryParse(before: string, text: string, after: string): AnyNode | undefined {
  try {
    return parse(before + text + after, parseOptions);
  } catch {
    return undefined;
  }
}

/** Functions and classes are expressions; what does not parse as one is a method or accessor. */
function parseText(text: string): Parsed | undefined {
  // A function around the text makes `new.target` of an arrow legal to parse; it is reported later.
  const before = 'function _(){(';
  const asExpression = tryParse(before, text, '\n)}');
  if (asExpression) return { node: inside(asExpression), form: 'expression', prefix: before.length, text };
  const around = 'function _(){({';
  const candidates = [text, withoutPrivateKey(text)];
  for (const candidate of candidates) {
    const program = candidate === undefined ? undefined : tryParse(around, candidate, '\n})}');
    if (!program || candidate === undefined) continue;
    const literal = inside(program);
    const property = literal.type === 'ObjectExpression' ? literal.properties[0] : undefined;
    if (property?.type !== 'Property') continue;
    const form = property.kind === 'init' ? 'method' : property.kind;
    const replaced = property.computed
      ? withoutComputedKey(candidate, around.length, property.key)
      : candidate;
    return { node: property.value, form, prefix: around.length, text: replaced };
  }
  return undefined;
}

function inside(program: AnyNode): AnyNode {
  const wrapper = program.type === 'Program' ? program.body[0] : undefined;
  const statement = wrapper?.type === 'FunctionDeclaration' ? wrapper.body.body[0] : undefined;
  if (statement?.type !== 'ExpressionStatement')
    throw new Error('closure: the wrapped text lost its statement');
  return statement.expression;
}

/** `#name(…) {}` is legal in a class only. */
function withoutPrivateKey(text: string): string | undefined {
  const match = /^((?:async\b|get\b|set\b|\*|\s)*)#/.exec(text);
  return match ? `${match[1]}_${text.slice(match[0].length)}` : undefined;
}

/** The key was computed where the method was made; any name of the same length will do here. */
function withoutComputedKey(text: string, prefix: number, key: AnyNode): string {
  const open = text.lastIndexOf('[', key.start - prefix - 1);
  const close = text.indexOf(']', key.end - prefix);
  const blank = text.slice(open + 1, close + 1).replace(/[^\n\r\u2028\u2029]/g, ' ');
  return `${text.slice(0, open)}m${blank}${text.slice(close + 1)}`;
}

function analyzeText(text: string): Analysis {
  const parsed = parseText(text);
  if (!parsed) return unparsable(text);
  const { node, prefix } = parsed;
  const usage = ScopeWalker.analyse(node);
  const heritage = heritageOf(node, text);
  const computed = computedKeys(node);
  const free = usage.free.filter((use) => !heritage?.replaces || !within(use.start, heritage));
  const at = (start: number): TextPosition => positionIn(text, start - prefix);
  const writes = new Map<string, TextPosition>();
  for (const use of free) if (use.write && !writes.has(use.name)) writes.set(use.name, at(use.start));
  const lexical = usage.lexical.filter((use) => use.what !== 'arguments');
  // A class or an ordinary function has its own `arguments`; at class level the name is a syntax error.
  const isArrow = node.type === 'ArrowFunctionExpression';
  const isClass = node.type === 'ClassExpression';
  const usesSuper = parsed.form !== 'expression' || !isClass ? findSuper(node) : undefined;
  if (usesSuper !== undefined && !lexical.some((use) => use.what === 'super')) {
    lexical.push({ what: 'super', start: usesSuper });
  }
  let source = parsed.text;
  if (heritage?.replaces) {
    const [start, end] = [heritage.start - prefix, heritage.end - prefix];
    const blank = source.slice(start + 2, end).replace(/[^\n\r\u2028\u2029]/g, ' ');
    source = source.slice(0, start) + heritage.name + blank + source.slice(end);
  }
  const freeStarts = new Set(free.map((use) => use.start));
  const importMeta = usage.importMetas.length > 0 ? importMetaName(text) : undefined;
  for (const { start, end } of usage.importMetas) {
    if (heritage?.replaces && within(start, heritage)) continue;
    source = source.slice(0, start - prefix) + importMeta!.padEnd(end - start) + source.slice(end - prefix);
  }
  return {
    form: parsed.form,
    isClass,
    isArrow,
    source,
    named:
      ((node.type === 'FunctionExpression' || isClass) &&
        (node as FunctionExpression).id !== null &&
        (node as FunctionExpression).id !== undefined) ||
      (parsed.form !== 'expression' && parsed.text === text),
    free: [...new Set([...free.map((use) => use.name), ...(heritage ? [heritage.name] : [])])],
    heritage: heritage?.name,
    definedWith: new Set(
      free.filter((use) => computed.some((key) => within(use.start, key))).map((use) => use.name),
    ),
    eager: eagerNames(node, free, heritage?.name),
    writes,
    lexical: lexical.map((use) => ({ ...use, position: at(use.start) })),
    usesArguments: isArrow && usage.lexical.some((use) => use.what === 'arguments'),
    importMeta,
    strict: isClass || hasUseStrict(node),
    forgets: forgets(node, freeStarts),
    weight: weigh(node, freeStarts),
    anchor: at(anchorOf(node, parsed.prefix + text.length, prefix, text)),
    parses: true,
  };
}

interface Range {
  readonly start: number;
  readonly end: number;
}

function within(start: number, range: Range): boolean {
  return start >= range.start && start < range.end;
}

/**
 * The parent of a class is evaluated where the class is defined, so no scope need hold it, and evaluating
 * `mixin(Base)` again would make another parent. The live prototype is captured instead: under its own name
 * where the parent is a plain name, else under one that replaces the expression.
 */
function heritageOf(node: AnyNode, text: string): (Range & { name: string; replaces: boolean }) | undefined {
  const parent = node.type === 'ClassExpression' ? node.superClass : undefined;
  if (!parent || parent.type === 'Literal') return undefined;
  const { start, end } = parent;
  if (parent.type === 'Identifier') return { start, end, name: parent.name, replaces: false };
  const name = ['$$', '$_', '_$', '$a', '$b', '$c'].find((candidate) => !text.includes(candidate)) ?? '$z';
  return { start, end, name, replaces: true };
}

function computedKeys(node: AnyNode): Range[] {
  if (node.type !== 'ClassExpression') return [];
  return node.body.body.flatMap((member) =>
    member.type !== 'StaticBlock' && member.computed
      ? [{ start: member.key.start, end: member.key.end }]
      : [],
  );
}

/**
 * Static fields and blocks run when the class is defined. Functions in them do so later, unless they are called or
 * handed to a call there.
 */
function eagerNames(node: AnyNode, free: readonly FreeUse[], parent: string | undefined): Set<string> {
  const eager = new Set(parent === undefined ? [] : [parent]);
  if (node.type !== 'ClassExpression') return eager;
  const later: Range[] = [];
  const look = (value: unknown, called: boolean): void => {
    if (Array.isArray(value)) {
      for (const item of value) look(item, called);
      return;
    }
    if (!isNode(value)) return;
    if (!called && /^(?:Arrow)?Function/.test(value.type)) later.push(value);
    const calls = called || /^(?:Call|New|TaggedTemplate)Expression$/.test(value.type);
    for (const child of Object.values(value)) look(child, calls);
  };
  const now = node.body.body.flatMap((member): Range[] => {
    if (member.type === 'StaticBlock') return [member];
    if (member.type !== 'PropertyDefinition' || !member.static || !member.value) return [];
    look(member.value, false);
    return [member.value];
  });
  for (const { name, start } of free) {
    const inside = (range: Range): boolean => within(start, range);
    if (now.some(inside) && !later.some(inside)) eager.add(name);
  }
  return eager;
}

function unparsable(text: string): never {
  const start = text.length > 60 ? `${text.slice(0, 60)}…` : text;
  throw new SerializationError(
    `The function \`${start}\` cannot travel to a worker: its text does not parse as JavaScript, so the variables it uses are not known.`,
  );
}

/** `super` of a method belongs to the object it was defined on, which the text alone does not give. */
function findSuper(node: AnyNode): number | undefined {
  if (node.type !== 'FunctionExpression') return undefined;
  let found: number | undefined;
  const look = (value: unknown): void => {
    if (found !== undefined || typeof value !== 'object' || value === null) return;
    if (Array.isArray(value)) {
      value.forEach(look);
      return;
    }
    const child = value as AnyNode;
    if (typeof child.type !== 'string') return;
    if (child.type === 'Super') found = child.start;
    else if (child.type === 'ClassExpression' || child.type === 'ClassDeclaration') look(child.superClass);
    else if (child.type === 'ObjectExpression') {
      // Methods of an inner object literal have a `super` of their own.
      for (const property of child.properties) {
        if (property.type !== 'Property' || (!property.method && property.kind === 'init')) look(property);
        else if (property.computed) look(property.key);
      }
    } else Object.values(child).forEach(look);
  };
  look(node.body);
  look(node.params);
  return found;
}

function hasUseStrict(node: AnyNode): boolean {
  if (!('body' in node)) return false;
  const body = node.body as AnyNode;
  if (body.type !== 'BlockStatement') return false;
  return body.body.some((statement) => 'directive' in statement && statement.directive === 'use strict');
}

function anchorOf(node: AnyNode, end: number, prefix: number, text: string): number {
  if (node.type === 'ClassExpression') {
    const maker = (node as ClassExpression).body.body.find(
      (member) => member.type === 'MethodDefinition' && member.kind === 'constructor',
    );
    return maker && 'value' in maker && maker.value ? maker.value.start : node.start;
  }
  if (node.type === 'ArrowFunctionExpression') return node.start;
  if (node.type !== 'FunctionExpression') return node.start;
  // acorn starts a method's function at its parameter list; `function f(…)` is searched from the name on, and
  // nothing but comments may come between. A parenthesis in such a comment costs a wrong column, no more.
  const from = node.id ? node.id.end : node.start;
  const open = text.indexOf('(', from - prefix);
  return open < 0 || open + prefix > end ? node.start : open + prefix;
}

export function positionIn(text: string, offset: number): TextPosition {
  let line = 0;
  let from = 0;
  for (;;) {
    const next = text.indexOf('\n', from);
    if (next < 0 || next >= offset) return { line, column: offset - from };
    line += 1;
    from = next + 1;
  }
}

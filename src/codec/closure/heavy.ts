/**
 * Whether a call may take longer than its text shows, or do anything but compute its result. One that cannot is light: it
 * runs each part of its text once at most, changes nothing, and gives the same result wherever it runs.
 *
 * Judged by the text, by what is allowed, not by what is not: expressions over variables of its own, conditions, parts of
 * values, pure functions of the language, a few methods of strings, numbers and maps, and captured functions, which have to
 * be light themselves (`light.ts`). What is not known to be harmless is refused with a reason.
 */
import type { AnyNode } from 'acorn';
import { isDefaultGlobal } from './globals.js';
import { childrenOf } from './syntax.js';

/** What the text does with what it captures, or why it is not light. */
export type Weight =
  | { readonly reason: string }
  | {
      /** How often each captured function is called by the text, at most. */
      readonly calls: ReadonlyMap<string, number>;
      /** Captured names whose values are used as a whole, not for one of their parts. */
      readonly whole: ReadonlySet<string>;
      /** It may copy a captured list, by a method that strings have too. */
      readonly slices: boolean;
    };

/** Functions by their paths that give the same result for the same arguments, soon, and do nothing else. */
const PURE: ReadonlySet<string> = new Set([
  ...Object.getOwnPropertyNames(Math)
    .filter((name) => name !== 'random' && typeof Math[name as keyof Math] === 'function')
    .map((name) => `Math.${name}`),
  ...['isFinite', 'isInteger', 'isNaN', 'isSafeInteger', 'parseFloat', 'parseInt'].map(
    (name) => `Number.${name}`,
  ),
  ...['Array.isArray', 'String.fromCharCode', 'String.fromCodePoint', 'Object.is'],
  ...['Boolean', 'Number', 'String', 'isFinite', 'isNaN', 'parseFloat', 'parseInt'],
]);
const CONSTANTS: ReadonlySet<string> = new Set(['Infinity', 'NaN', 'undefined']);
/** Of `Math` and `Number`. */
const FIGURES: ReadonlySet<string> = new Set([
  ...['E', 'LN10', 'LN2', 'LOG10E', 'LOG2E', 'PI', 'SQRT1_2', 'SQRT2'].map((name) => `Math.${name}`),
  ...['EPSILON', 'MAX_SAFE_INTEGER', 'MAX_VALUE', 'MIN_SAFE_INTEGER', 'MIN_VALUE', 'NaN'].map(
    (name) => `Number.${name}`,
  ),
  ...['NEGATIVE_INFINITY', 'POSITIVE_INFINITY'].map((name) => `Number.${name}`),
]);
/** Methods of strings, numbers, maps and sets: as long as those are short, so are they. */
const METHODS: ReadonlySet<string> = new Set(
  `at charAt charCodeAt codePointAt endsWith get has slice startsWith substring toFixed toLowerCase toUpperCase trim trimEnd
  trimStart`.split(/\s+/),
);
/** Where the language keeps what all code shares. */
const LEADS_OUT: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype', 'callee', 'caller']);

const HARMLESS: ReadonlySet<string> = new Set(
  `ArrayExpression ArrayPattern AssignmentPattern BlockStatement ChainExpression ConditionalExpression EmptyStatement
  ExpressionStatement IfStatement LogicalExpression ObjectExpression ObjectPattern ReturnStatement SequenceExpression SwitchCase
  SwitchStatement TemplateElement TemplateLiteral ThrowStatement VariableDeclarator`.split(/\s+/),
);
const REASONS: Readonly<Record<string, string>> = {
  AwaitExpression: 'it awaits',
  ClassDeclaration: 'it makes a class',
  ClassExpression: 'it makes a class',
  ForInStatement: 'it has a loop',
  ForOfStatement: 'it has a loop',
  ForStatement: 'it has a loop',
  ImportExpression: 'it imports',
  LabeledStatement: 'it has a label',
  MetaProperty: 'it uses what belongs to its module or call',
  NewExpression: 'it makes an object with `new`',
  SpreadElement: 'it spreads a value, which is a loop',
  RestElement: 'it collects a rest, which is a loop',
  TaggedTemplateExpression: 'it calls a function that is not known to be pure',
  ThisExpression: 'it uses `this`',
  TryStatement: 'it catches errors',
  WhileStatement: 'it has a loop',
  DoWhileStatement: 'it has a loop',
  YieldExpression: 'it is a generator',
};

type Node = AnyNode & Record<string, unknown>;

/** Of a function of the language. */
export function pureWeight(path: string): Weight {
  if (!PURE.has(path)) return { reason: `\`${path}\` is not known to be harmless` };
  return { calls: new Map(), whole: new Set(), slices: false };
}

/** `free`: where names are used that the text does not declare. */
export function weigh(root: AnyNode, free: ReadonlySet<number>): Weight {
  const node = root as Node;
  if (node['async'] === true) return { reason: 'it is async' };
  if (node['generator'] === true) return { reason: 'it is a generator' };
  if (!/^(?:ArrowFunction|Function)Expression$/.test(node.type)) return { reason: 'it is a class' };
  const scale = new Scale(free, (node['id'] as Node | null | undefined)?.['name'] as string | undefined);
  const parts = [...(node['params'] as Node[]), node['body'] as Node];
  for (const part of parts) {
    const reason = scale.reason(part, node);
    if (reason !== undefined) return { reason };
  }
  return { calls: scale.calls, whole: scale.whole, slices: scale.slices };
}

class Scale {
  readonly calls = new Map<string, number>();
  readonly whole = new Set<string>();
  slices = false;
  readonly #free: ReadonlySet<number>;
  readonly #own: string | undefined;

  constructor(free: ReadonlySet<number>, own: string | undefined) {
    this.#free = free;
    this.#own = own;
  }

  /** Why the node may not be part of a light function. */
  reason(node: Node, parent: Node): string | undefined {
    return this.#kind(node, parent) ?? this.#children(node);
  }

  #children(node: Node): string | undefined {
    // What is no variable, or was looked at with its parent.
    const skipped = new Set<unknown>();
    if (node.type === 'MemberExpression') {
      if (!node.computed) skipped.add(node.property);
      if (this.#isNamespace(node.object as Node) || this.#isCaptured(node.object as Node))
        skipped.add(node.object);
    }
    if (node.type === 'Property' && !node.computed) skipped.add(node.key);
    if (node.type === 'CallExpression') skipped.add(node.callee);
    for (const child of childrenOf(node)) {
      if (skipped.has(child)) continue;
      const reason = this.reason(child as Node, node);
      if (reason !== undefined) return reason;
    }
    if (node.type !== 'CallExpression' || node.callee.type !== 'MemberExpression') return undefined;
    const object = node.callee.object as Node;
    return this.#isNamespace(object) || this.#isCaptured(object) ? undefined : this.reason(object, node);
  }

  #isCaptured(node: Node): boolean {
    return node.type === 'Identifier' && this.#free.has(node.start) && !isDefaultGlobal(node.name);
  }

  #kind(node: Node, parent: Node): string | undefined {
    switch (node.type) {
      case 'Identifier':
        return this.#name(node);
      case 'Literal':
        if ('regex' in node) return 'it has a regular expression, which may take long';
        return node['bigint'] === undefined ? undefined : 'it has a bigint, which may grow';
      case 'Property':
        if (node.method || node.kind !== 'init') return 'it makes a function';
        if (node.computed) return 'it has a computed property name';
        return nameOf(node.key as Node) === '__proto__' ? 'it sets a prototype' : undefined;
      case 'MemberExpression':
        return this.#member(node);
      case 'CallExpression':
        return this.#call(node);
      case 'AssignmentExpression':
        if (!isVariable(node.left as Node)) return 'it changes a value that it was given or has made';
        if (!/^(?:\*\*|<<)=$/.test(node.operator)) return undefined;
        return isNumber(node.right as Node) ? undefined : tooLarge(node.operator);
      case 'UpdateExpression':
        return isVariable(node.argument as Node)
          ? undefined
          : 'it changes a value that it was given or has made';
      case 'VariableDeclaration':
        return /^(?:var|let|const)$/.test(node.kind) ? undefined : 'it disposes of a value';
      case 'UnaryExpression':
        return node.operator === 'delete' ? 'it deletes a property' : undefined;
      case 'BinaryExpression':
        if (node.operator === 'instanceof' || node.operator === 'in') {
          return `it uses \`${node.operator}\`, which may call a function`;
        }
        // With a number beside it, a bigint fails instead.
        if (!/^(?:\*\*|<<)$/.test(node.operator)) return undefined;
        return isNumber(node.left as Node) || isNumber(node.right as Node)
          ? undefined
          : tooLarge(node.operator);
      case 'BreakStatement':
        return node.label ? 'it has a label' : undefined;
      case 'ArrowFunctionExpression':
      case 'FunctionExpression':
      case 'FunctionDeclaration':
        return 'it makes a function';
      default:
        if (HARMLESS.has(node.type)) return undefined;
        return (
          REASONS[node.type] ??
          `it has a part that is not known to be harmless (${node.type} in ${parent.type})`
        );
    }
  }

  #name(node: Node & { type: 'Identifier' }): string | undefined {
    const { name } = node;
    if (name === 'arguments') return 'it uses `arguments`';
    if (name === this.#own && !this.#free.has(node.start)) return 'it uses its own name, as recursion does';
    if (!this.#free.has(node.start) || CONSTANTS.has(name)) return undefined;
    // Called ones do not come here: handed on, a function might be called with anything.
    if (isDefaultGlobal(name)) return `it uses the global \`${name}\``;
    this.whole.add(name);
    return undefined;
  }

  #member(node: Node & { type: 'MemberExpression' }): string | undefined {
    const isNamespace = this.#isNamespace(node.object as Node);
    if (node.computed) return isNamespace ? 'it reads a global by a computed name' : undefined;
    const name = nameOf(node.property as Node);
    if (name === undefined) return 'it uses a private name';
    if (LEADS_OUT.has(name)) return `it reads \`${name}\``;
    if (!isNamespace) return undefined;
    const path = `${(node.object as { name: string }).name}.${name}`;
    return FIGURES.has(path) ? undefined : `it uses \`${path}\``;
  }

  /** `Math` and the like, as far as the text does not declare it. */
  #isNamespace(node: Node): boolean {
    return (
      node.type === 'Identifier' &&
      this.#free.has(node.start) &&
      isDefaultGlobal(node.name) &&
      !CONSTANTS.has(node.name)
    );
  }

  #call(node: Node & { type: 'CallExpression' }): string | undefined {
    const callee = node.callee as Node;
    if (callee.type === 'Identifier') return this.#callOf(callee);
    if (callee.type !== 'MemberExpression' || callee.computed) {
      return 'it calls a function that is not known before';
    }
    const method = nameOf(callee.property as Node);
    if (method === undefined) return 'it calls a private method';
    if (this.#isNamespace(callee.object as Node)) {
      const path = `${(callee.object as unknown as { name: string }).name}.${method}`;
      return PURE.has(path) ? undefined : `it calls \`${path}\``;
    }
    if (!METHODS.has(method)) return `it calls a method \`${method}\`, which may take long`;
    this.slices ||= method === 'slice';
    return undefined;
  }

  #callOf({ name, start }: Node & { type: 'Identifier' }): string | undefined {
    if (!this.#free.has(start)) return `it calls \`${name}\`, which is not known before`;
    if (isDefaultGlobal(name)) return PURE.has(name) ? undefined : `it calls \`${name}\``;
    this.calls.set(name, (this.calls.get(name) ?? 0) + 1);
    return undefined;
  }
}

function tooLarge(operator: string): string {
  return `it uses \`${operator}\`, whose result may be large`;
}

function isNumber(node: Node): boolean {
  return node.type === 'Literal' && typeof node.value === 'number';
}

function nameOf(node: Node): string | undefined {
  if (node.type === 'Identifier') return node.name;
  return node.type === 'Literal' ? String(node.value) : undefined;
}

/** A variable, or a pattern of nothing but variables. */
function isVariable(node: Node): boolean {
  switch (node.type) {
    case 'Identifier':
      return true;
    case 'ArrayPattern':
      return node.elements.every((element) => element === null || isVariable(element as Node));
    case 'ObjectPattern':
      return node.properties.every((each) => each.type === 'Property' && isVariable(each.value as Node));
    case 'AssignmentPattern':
      return isVariable(node.left as Node);
    default:
      return false;
  }
}

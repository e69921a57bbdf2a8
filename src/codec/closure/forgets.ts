/**
 * Whether a function can leave behind nothing that it has seen: once a call of a copy of it has returned, whatever it made or
 * was given is reachable through its result only. So a result's buffers can be moved instead of copied, and nobody can tell.
 *
 * Judged by the text, strictly: no async code, generators, classes, `this`, imports or module state; of the globals, a few
 * that keep nothing, called or read on the spot; none of the names that lead to what all functions share; parts of objects by
 * names that no builtin has a function under, or by number.
 */
import type { AnyNode } from 'acorn';
import { isDefaultGlobal } from './globals.js';
import { childrenOf } from './syntax.js';

const KEEPS_NOTHING: ReadonlySet<string> = new Set(
  `Array ArrayBuffer BigInt BigInt64Array BigUint64Array Boolean DataView Error Float16Array Float32Array Float64Array
  Infinity Int16Array Int32Array Int8Array JSON Map Math NaN Number Object RangeError Set String TypeError Uint16Array
  Uint32Array Uint8Array Uint8ClampedArray isFinite isNaN parseFloat parseInt undefined`.split(/\s+/),
);
const CONSTANTS: ReadonlySet<string> = new Set(['Infinity', 'NaN', 'undefined']);
/** Names that lead to objects which all functions of a realm share, or to code that was not looked at. */
const LEADS_OUT: ReadonlySet<string> = new Set(
  `__proto__ __defineGetter__ __defineSetter__ callee caller constructor defineProperty defineProperties getPrototypeOf
  prototype setPrototypeOf captureStackTrace prepareStackTrace stackTraceLimit`.split(/\s+/),
);
const UNFIT: ReadonlySet<string> = new Set(
  `AwaitExpression ClassDeclaration ClassExpression ImportExpression MetaProperty Super ThisExpression WithStatement
  YieldExpression`.split(/\s+/),
);

/** Names under which the language's own objects have functions, which are one for all code. */
const METHODS: ReadonlySet<string> = new Set(
  [
    ...[Object, Function, Array, String, Number, Boolean, BigInt, Symbol, Date, RegExp, Error, Promise],
    ...[Map, Set, WeakMap, WeakSet, ArrayBuffer, SharedArrayBuffer, DataView, Float64Array],
  ]
    .map((type) => type.prototype as object)
    .flatMap((own) => [own, Object.getPrototypeOf(own) as object | null])
    .concat(Object.getPrototypeOf([].values()) as object, Object.getPrototypeOf(new Map().keys()) as object)
    .flatMap((own) => (own === null ? [] : Object.entries(Object.getOwnPropertyDescriptors(own))))
    .flatMap(([name, { value }]) => (typeof value === 'function' ? [name] : [])),
);

type Node = AnyNode & Record<string, unknown>;

/** `free`: where names are used that the text does not declare. */
export function forgets(root: AnyNode, free: ReadonlySet<number>): boolean {
  const numbers = numericNames(root);
  return fits(root as Node, undefined, undefined, { free, numbers });
}

interface Known {
  readonly free: ReadonlySet<number>;
  /** Variables that never hold anything but numbers. */
  readonly numbers: ReadonlySet<string>;
}

function fits(node: Node, parent: Node | undefined, above: Node | undefined, known: Known): boolean {
  if (UNFIT.has(node.type)) return false;
  if (node['async'] === true || node['generator'] === true || node['await'] === true) return false;
  if (node.type === 'Literal' && LEADS_OUT.has(String(node['value']))) return false;
  if (node.type === 'TemplateElement' && LEADS_OUT.has((node['value'] as { raw: string }).raw)) return false;
  if (node.type === 'MemberExpression' && !fitsMember(node, parent, known)) return false;
  if (node.type === 'Property' && parent?.type === 'ObjectPattern') {
    const name = (node.key as { name?: string }).name;
    if (node.computed || name === undefined || METHODS.has(name)) return false;
  }
  if (node.type === 'Identifier') {
    const { name } = node;
    if (LEADS_OUT.has(name)) return false;
    if (known.free.has(node.start) && isDefaultGlobal(name)) return fitsGlobal(name, node, parent, above);
  }
  for (const child of childrenOf(node)) if (!fits(child as Node, node, parent, known)) return false;
  return true;
}

/** A part that can be no function of the language's own, unless that is called on the spot. */
function fitsMember(
  node: Node & { type: 'MemberExpression' },
  parent: Node | undefined,
  known: Known,
): boolean {
  const { property } = node;
  if (node.computed && property.type !== 'Literal') return isNumeric(property as Node, known.numbers);
  const name = property.type === 'Literal' ? String(property.value) : (property as { name?: string }).name;
  return name !== undefined && (!METHODS.has(name) || isCallee(node, parent));
}

/** Names are taken together wherever they are declared: one that may be more than a number is none in all its scopes. */
function numericNames(root: AnyNode): ReadonlySet<string> {
  const values = new Map<string, Node[]>();
  const spoilt = new Set<string>();
  const collect = (node: Node, parent: Node | undefined): void => {
    if (node.type === 'VariableDeclarator' && node.id.type === 'Identifier' && node.init) {
      const { name } = node.id;
      values.set(name, [...(values.get(name) ?? []), node.init as Node]);
    } else if (node.type === 'AssignmentExpression' && node.left.type === 'Identifier') {
      const { name } = node.left;
      values.set(name, [...(values.get(name) ?? []), node.right as Node]);
    } else if (node.type === 'Identifier' && declaresOtherwise(node, parent)) spoilt.add(node.name);
    for (const child of childrenOf(node)) collect(child as Node, node);
  };
  collect(root as Node, undefined);
  const numbers = new Set([...values.keys()].filter((name) => !spoilt.has(name)));
  for (let before = -1; before !== numbers.size; ) {
    before = numbers.size;
    for (const name of numbers) {
      if (!values.get(name)!.every((value) => isNumeric(value, numbers))) numbers.delete(name);
    }
  }
  return numbers;
}

/** Parameters, parts of patterns, variables of `for … of`, names of functions: they hold what comes. */
function declaresOtherwise(node: Node, parent: Node | undefined): boolean {
  if (parent === undefined) return true;
  switch (parent.type) {
    case 'VariableDeclarator':
      return parent.id === (node as AnyNode) && !parent.init;
    case 'AssignmentPattern':
    case 'ArrayPattern':
    case 'RestElement':
    case 'CatchClause':
    case 'ForOfStatement':
    case 'ForInStatement':
      return true;
    case 'Property':
      return parent.value === (node as AnyNode);
    case 'FunctionDeclaration':
    case 'FunctionExpression':
    case 'ArrowFunctionExpression':
      return parent.body !== (node as AnyNode);
    default:
      return false;
  }
}

/** Whether the expression can be nothing but a number; `+` may join texts. */
function isNumeric(node: Node, numbers: ReadonlySet<string>): boolean {
  switch (node.type) {
    case 'Literal':
      return typeof node.value === 'number';
    case 'Identifier':
      return numbers.has(node.name);
    case 'UpdateExpression':
      return true;
    case 'UnaryExpression':
      return node.operator === '-' || node.operator === '+' || node.operator === '~';
    case 'BinaryExpression':
      if (/^(?:[-*/%&|^]|\*\*|<<|>>>?)$/.test(node.operator)) return true;
      if (node.operator !== '+') return false;
      return isNumeric(node.left as Node, numbers) && isNumeric(node.right as Node, numbers);
    case 'AssignmentExpression':
      return isNumeric(node.right as Node, numbers);
    default:
      return false;
  }
}

/** `new Float64Array(…)`, `Number(…)`, `Math.sqrt(…)`, `Math.PI`: nothing that would get hold of the object itself. */
function fitsGlobal(name: string, node: Node, parent: Node | undefined, above: Node | undefined): boolean {
  if (!KEEPS_NOTHING.has(name)) return false;
  if (CONSTANTS.has(name)) return true;
  if (isCallee(node, parent)) return true;
  if (parent?.type !== 'MemberExpression' || parent['object'] !== node || parent['computed'] === true)
    return false;
  const property = (parent['property'] as { name?: string }).name ?? '';
  if (isCallee(parent, above)) return true;
  const isRead = above?.type !== 'AssignmentExpression' && above?.type !== 'UpdateExpression';
  return isRead && /^[A-Z][A-Z0-9_]*$/.test(property);
}

function isCallee(node: Node, parent: Node | undefined): boolean {
  return (parent?.type === 'CallExpression' || parent?.type === 'NewExpression') && parent['callee'] === node;
}

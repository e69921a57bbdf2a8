/**
 * Whether a function can leave behind nothing that it has seen: once a call of a copy of it has returned, whatever it made or
 * was given is reachable through its result only. So a result's buffers can be moved instead of copied, and nobody can tell.
 *
 * Judged by the text, strictly: no async code, generators, classes, `this`, imports or module state; of the globals, a few
 * that keep nothing, called or read on the spot; and none of the names that lead to what all functions share.
 */
import type { AnyNode } from 'acorn';
import { isDefaultGlobal } from './globals.js';

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

/** The global that an intrinsic is found under keeps nothing. */
export function keepsNothing(path: string): boolean {
  return KEEPS_NOTHING.has(path.split('.')[0]!) && !path.split('.').some((part) => LEADS_OUT.has(part));
}

type Node = AnyNode & Record<string, unknown>;

/** `free`: where names are used that the text does not declare. */
export function forgets(root: AnyNode, free: ReadonlySet<number>): boolean {
  return fits(root as Node, undefined, undefined, free);
}

function fits(
  node: Node,
  parent: Node | undefined,
  above: Node | undefined,
  free: ReadonlySet<number>,
): boolean {
  if (UNFIT.has(node.type)) return false;
  if (node['async'] === true || node['generator'] === true || node['await'] === true) return false;
  if (node.type === 'Literal' && LEADS_OUT.has(String(node['value']))) return false;
  if (node.type === 'TemplateElement' && LEADS_OUT.has((node['value'] as { raw: string }).raw)) return false;
  if (node.type === 'Identifier') {
    const name = node['name'] as string;
    if (LEADS_OUT.has(name)) return false;
    if (free.has(node.start) && isDefaultGlobal(name)) return fitsGlobal(name, node, parent, above);
  }
  for (const key of Object.keys(node)) {
    const value = node[key];
    for (const child of Array.isArray(value) ? value : [value]) {
      if (child === null || typeof child !== 'object' || typeof child.type !== 'string') continue;
      if (!fits(child as Node, node, parent, free)) return false;
    }
  }
  return true;
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

import { runInThisContext } from 'node:vm';
import { defaultGlobalNames, isDefaultGlobal } from './globals.js';

/**
 * Intrinsics are known by path: `Math.sqrt`, `Array.prototype.@@iterator`, `Map.prototype.size<get>`,
 * `%TypedArray%.prototype`. Both directions are built on first use.
 */
let paths: Map<object, string> | undefined;
const resolved = new Map<string, unknown>();

/** Globals behind getters that cost nothing; others would load undici, webcrypto and the like just for being asked. */
const cheapAccessors =
  /^(?:process|Buffer|performance|console|URL|URLSearchParams|Event|EventTarget|AbortController|AbortSignal|TextEncoder|TextDecoder|Blob)$/;

/** Things without a global name, reached through syntax. */
function hiddenRoots(): [string, object][] {
  const proto = (value: object): object => Object.getPrototypeOf(value) as object;
  const generator = function* () {};
  const asyncGenerator = async function* () {};
  const asyncFunction = async () => {};
  const roots: [string, object][] = [
    ['%TypedArray%', proto(Uint8Array)],
    ['%GeneratorFunction%', (proto(generator) as { constructor: Function }).constructor],
    ['%AsyncGeneratorFunction%', (proto(asyncGenerator) as { constructor: Function }).constructor],
    ['%AsyncFunction%', (proto(asyncFunction) as { constructor: Function }).constructor],
    ['%GeneratorPrototype%', proto(generator.prototype as object)],
    ['%AsyncGeneratorPrototype%', proto(asyncGenerator.prototype as object)],
    ['%IteratorPrototype%', proto(proto([][Symbol.iterator]()))],
    ['%AsyncIteratorPrototype%', proto(proto(asyncGenerator.prototype as object))],
    ['%ArrayIteratorPrototype%', proto([][Symbol.iterator]())],
    ['%MapIteratorPrototype%', proto(new Map()[Symbol.iterator]())],
    ['%SetIteratorPrototype%', proto(new Set()[Symbol.iterator]())],
    ['%StringIteratorPrototype%', proto(''[Symbol.iterator]())],
  ];
  return roots;
}

const hidden: Record<string, object> = Object.fromEntries(hiddenRoots());

function isNative(fn: Function): boolean {
  return /\{\s*\[native code\]\s*\}$/.test(Function.prototype.toString.call(fn));
}

/** `process` and `console` hold the user's things as well; only their own functions count. */
const shallow = new Set(['process', 'console', 'performance']);
/** Globals that Node.js writes in JavaScript, so that their text does not say "native code". */
function writtenByNode(root: string): boolean {
  return !engineRoots.has(root);
}
const engineRoots = new Set(
  `Array ArrayBuffer AsyncDisposableStack Atomics BigInt BigInt64Array BigUint64Array Boolean DataView Date DisposableStack
  Error AggregateError EvalError RangeError ReferenceError SuppressedError SyntaxError TypeError URIError FinalizationRegistry
  Float16Array Float32Array Float64Array Function Int16Array Int32Array Int8Array Intl Iterator JSON Map Math Number
  Object Promise Proxy Reflect RegExp Set SharedArrayBuffer String Symbol Temporal Uint16Array Uint32Array Uint8Array
  Uint8ClampedArray WeakMap WeakRef WeakSet WebAssembly`.split(/\s+/),
);

class PathWalk {
  readonly found = new Map<object, string>();

  add(value: unknown, path: string, root: string, depth: number): void {
    if ((typeof value !== 'object' && typeof value !== 'function') || value === null) return;
    if (this.found.has(value)) return;
    if (typeof value === 'function' && !writtenByNode(root) && !isNative(value)) return;
    // An ordinary object deep in a global may be anyone's; prototypes and the namespaces of Intl are not.
    this.found.set(value, path);
    if (depth === 0) return;
    for (const key of Reflect.ownKeys(value)) this.property(value, key, path, root, depth - 1);
  }

  private property(holder: object, key: string | symbol, path: string, root: string, depth: number): void {
    const part = typeof key === 'string' ? key : wellKnown(key);
    if (part === undefined || part.includes('.')) return;
    const descriptor = Object.getOwnPropertyDescriptor(holder, key);
    if (!descriptor) return;
    if ('value' in descriptor) {
      const plain = typeof descriptor.value === 'object';
      if (plain && (shallow.has(root) || descriptor.enumerable)) return;
      this.add(descriptor.value, `${path}.${part}`, root, depth);
      return;
    }
    if (descriptor.get) this.add(descriptor.get, `${path}.${part}<get>`, root, 0);
    if (descriptor.set) this.add(descriptor.set, `${path}.${part}<set>`, root, 0);
  }
}

function wellKnown(key: symbol): string | undefined {
  const description = key.description;
  if (!description?.startsWith('Symbol.')) return undefined;
  const name = description.slice('Symbol.'.length);
  return (Symbol as unknown as Record<string, unknown>)[name] === key ? `@@${name}` : undefined;
}

function build(): Map<object, string> {
  const walk = new PathWalk();
  // Where this package runs in a vm context (jest, vitest), the main context has intrinsics of its own.
  const main = mainGlobal();
  for (const realm of main === globalThis ? [globalThis] : [globalThis, main]) {
    walk.found.set(realm, 'globalThis');
    for (const name of defaultGlobalNames()) {
      const value = readGlobal(realm, name);
      walk.add(value, name, name, shallow.has(name) ? 1 : 3);
    }
  }
  for (const [path, value] of Object.entries(hidden)) walk.add(value, path, 'Object', 2);
  return walk.found;
}

function mainGlobal(): object {
  try {
    return runInThisContext('globalThis') as object;
  } catch {
    return globalThis;
  }
}

function readGlobal(realm: object, name: string): unknown {
  const descriptor = Object.getOwnPropertyDescriptor(realm, name);
  if (!descriptor) return undefined;
  if ('value' in descriptor) return descriptor.value;
  return cheapAccessors.test(name) ? (realm as Record<string, unknown>)[name] : undefined;
}

/** Globals of which there is one in every thread, that {@link intrinsicPath} leaves out as Node.js loads them lazily. */
const lazyHolders: Readonly<Record<string, string>> = {
  Crypto: 'crypto',
  SubtleCrypto: 'crypto.subtle',
  Navigator: 'navigator',
};

/** The path of a global that Node.js loads lazily: `fetch`, `crypto.subtle`, `crypto.randomUUID`. */
export function lazyGlobalPath(value: object): string | undefined {
  if (typeof value === 'function') {
    const { name } = value as Function;
    if (isDefaultGlobal(name) && (globalThis as Record<string, unknown>)[name] === value) return name;
    return Object.values(lazyHolders)
      .map((holder) => `${holder}.${name}`)
      .find((path) => readPath(path) === value);
  }
  const type = (value as { constructor?: { name?: unknown } }).constructor?.name;
  const path = typeof type === 'string' && Object.hasOwn(lazyHolders, type) ? lazyHolders[type] : undefined;
  return path !== undefined && readPath(path) === value ? path : undefined;
}

function readPath(path: string): unknown {
  let value: unknown = globalThis;
  for (const part of path.split('.')) value = (value as Record<string, unknown> | undefined)?.[part];
  return value;
}

/** The path of a function or object that every realm of Node.js has, such as `Math.sqrt` or `JSON`. */
export function intrinsicPath(value: object): string | undefined {
  paths ??= build();
  return paths.get(value);
}

/** The intrinsic of this realm at a path that {@link intrinsicPath} gave. */
export function resolveIntrinsic(path: string): unknown {
  if (resolved.has(path)) return resolved.get(path);
  const accessor = /<(get|set)>$/.exec(path)?.[1] as 'get' | 'set' | undefined;
  const parts = (accessor ? path.slice(0, -5) : path).split('.');
  let holder: unknown;
  let value: unknown = globalThis;
  let last: string | symbol = '';
  parts.forEach((part, index) => {
    holder = value;
    last = part.startsWith('@@') ? symbolOf(part.slice(2)) : part;
    const root = index === 0 && Object.hasOwn(hidden, part);
    if (accessor && index === parts.length - 1) return;
    value = root ? hidden[part] : (value as Record<string | symbol, unknown> | undefined)?.[last];
  });
  if (accessor) value = Object.getOwnPropertyDescriptor(holder as object, last)?.[accessor];
  resolved.set(path, value);
  return value;
}

function symbolOf(name: string): symbol {
  return (Symbol as unknown as Record<string, symbol>)[name] ?? Symbol(name);
}

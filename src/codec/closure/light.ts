/**
 * Which functions are light: whoever calls one can tell where it ran by the clock only. Its text is light (`heavy.ts`), and
 * so is all that it captures: values that never change and hold data alone, and light functions, none of which leads back
 * to itself.
 */
import { METHODS, PURE } from './heavy.js';
import { readFunction, stableReading, weightOf } from './read-function.js';

/** Parts of captured values that are looked at, at most. */
const MOST = 10_000;

const known = new WeakMap<Function, { readonly reason: string | undefined }>();

/** Why the function is not light; undefined where it is. Never throws. */
export function whyNotLight(fn: Function): string | undefined {
  let answer = known.get(fn);
  if (answer === undefined) {
    let reason: string | undefined;
    try {
      reason = decide(fn, []);
    } catch (error) {
      reason = `it cannot be read: ${(error as Error).message}`;
    }
    // Captured data may be given more parts later, and globals other functions.
    if (reason === undefined) return undefined;
    answer = { reason };
    known.set(fn, answer);
  }
  return answer.reason;
}

function decide(fn: Function, callers: readonly Function[]): string | undefined {
  if (callers.includes(fn)) return 'it is recursive';
  const reading = readFunction(fn);
  if (reading.kind === 'code' && stableReading(fn) === undefined)
    return 'it captures a variable that may change';
  switch (reading.kind) {
    case 'intrinsic':
      return PURE.has(reading.path) ? undefined : `\`${reading.path}\` is not known to be harmless`;
    case 'export':
      return 'it is an export of a module, whose state it may read';
    case 'bound':
      return 'it is a bound function';
    case 'code':
      break;
    default:
      return reading satisfies never;
  }
  const { code, captures } = reading;
  if (code.isClass) return 'it is a class';
  if (code.form !== 'expression') return 'it is a method';
  if (code.imports.length > 0) return `it uses the import \`${code.imports[0]!.name}\``;
  if (code.provides.length > 0) return `it uses \`${code.provides[0]}\``;
  const weight = weightOf(code);
  if (weight === undefined) return 'its text was not looked at';
  if ('reason' in weight) return weight.reason;
  const changed = weight.uses.find((use) => !isGenuine(use));
  if (changed !== undefined) return `\`${changed}\` is not the language's own here`;
  for (const { name, value } of captures) {
    const reason = captured(value, [...callers, fn]);
    if (reason !== undefined) return `its \`${name}\`: ${reason}`;
  }
  return undefined;
}

function captured(value: unknown, callers: readonly Function[]): string | undefined {
  if (typeof value === 'function') return decide(value, callers);
  return new DataCheck().reason(value);
}

/** Whether the function at the path, or every builtin method of the name (`.slice`), is the one it was. */
function isGenuine(use: string): boolean {
  if (!use.startsWith('.')) {
    const [holder, name] = use.includes('.') ? use.split('.') : ['globalThis', use];
    const owner = (globalThis as unknown as Record<string, Record<string, unknown>>)[holder!];
    return isNative(owner?.[name!], name!);
  }
  const method = use.slice(1);
  if (!METHODS.has(method)) return false;
  return [String, Number, Array, Map, Set]
    .map(({ prototype }) => (prototype as unknown as Record<string, unknown>)[method])
    .every((own) => own === undefined || isNative(own, method));
}

function isNative(value: unknown, name: string): boolean {
  return (
    typeof value === 'function' &&
    value.name === name &&
    /\{\s*\[native code\]\s*\}$/.test(Function.prototype.toString.call(value))
  );
}

/** Plain data: objects, arrays, maps and sets of primitive values, without a getter anywhere, and numeric arrays. */
class DataCheck {
  #left = MOST;
  readonly #seen = new Set<object>();

  reason(value: unknown): string | undefined {
    if (typeof value === 'function') return 'it holds a function';
    if (typeof value === 'symbol') return 'it holds a symbol';
    if (typeof value !== 'object' || value === null || this.#seen.has(value)) return undefined;
    this.#seen.add(value);
    this.#left -= 1;
    if (this.#left < 0) return 'it holds too much to be looked at';
    if (ArrayBuffer.isView(value) && !(value instanceof DataView)) return undefined;
    const type: unknown = Object.getPrototypeOf(value);
    const isCollection = type === Map.prototype || type === Set.prototype;
    if (!isCollection && type !== Object.prototype && type !== Array.prototype && type !== null) {
      return 'it holds an object that is more than data';
    }
    if (isCollection) {
      for (const part of value as Iterable<unknown>) {
        const reason = this.reason(part);
        if (reason !== undefined) return reason;
      }
    }
    for (const key of Reflect.ownKeys(value)) {
      const descriptor = Object.getOwnPropertyDescriptor(value, key)!;
      if (!('value' in descriptor)) return 'it holds a getter';
      const reason = this.reason(descriptor.value);
      if (reason !== undefined) return reason;
    }
    return undefined;
  }
}

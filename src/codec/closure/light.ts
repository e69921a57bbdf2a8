/**
 * Which functions are light: whoever calls one can tell where it ran by the clock only. Its text is light (`heavy.ts`), and
 * so is all that it captures: a little plain data, numeric arrays that it reads elements of, and light functions, none of
 * which leads back to itself.
 */
import { stableReading, weightOf } from './read-function.js';
import type { CodeRecord } from './reading.js';

/** Parts of captured values: more would take long to look at, or to be made a text of. */
const MOST_PARTS = 1000;
/** Calls that one call may lead to. */
const MOST_CALLS = 100;

/** Why a function is not light, where that does not depend on what its captures hold. */
const known = new WeakMap<Function, string>();

/** Why the function, which has been packed, is not light, as its captures are now; undefined where it is. Never throws. */
export function whyNotLight(fn: Function): string | undefined {
  const before = known.get(fn);
  if (before !== undefined) return before;
  try {
    new Decision().callsOf(fn, []);
    return undefined;
  } catch (error) {
    if (!(error instanceof Heavy)) return `it cannot be read: ${(error as Error).message}`;
    if (error.forGood) known.set(fn, error.message);
    return error.message;
  }
}

class Heavy extends Error {
  /** Whatever the captures hold. */
  readonly forGood: boolean;

  constructor(reason: string, forGood = true) {
    super(reason);
    this.forGood = forGood;
  }
}

class Decision {
  #parts = MOST_PARTS;
  readonly #seen = new Set<object>();
  readonly #calls = new Map<Function, number>();

  /** Calls that a call of `fn` leads to at most, itself included. @throws Heavy */
  callsOf(fn: Function, callers: readonly Function[]): number {
    if (callers.includes(fn)) throw new Heavy('it is recursive');
    const before = this.#calls.get(fn);
    if (before !== undefined) return before;
    const calls = this.#decide(fn, callers);
    if (calls > MOST_CALLS) throw new Heavy(`a call may lead to more than ${MOST_CALLS} others`);
    this.#calls.set(fn, calls);
    return calls;
  }

  #decide(fn: Function, callers: readonly Function[]): number {
    const reading = stableReading(fn);
    if (reading === undefined) {
      const isBound = fn.name.startsWith('bound ');
      throw new Heavy(isBound ? 'it is a bound function' : 'it captures a variable that may change', false);
    }
    if (reading.kind === 'export') throw new Heavy('it is an export of a module, whose state it may read');
    if (reading.kind === 'bound') throw new Heavy('it is a bound function');
    if (reading.kind === 'code') checkCode(reading.code);
    const weight = weightOf(reading);
    if (weight === undefined) throw new Heavy('its text was not looked at');
    if ('reason' in weight) throw new Heavy(weight.reason);
    if (reading.kind === 'intrinsic') return 1;
    const { captures } = reading;
    if (callers.length > 0) this.#checkProperties(fn);
    let calls = 1;
    for (const { name, value } of captures) {
      try {
        if (typeof value === 'function') {
          calls += this.callsOf(value, [...callers, fn]) * (weight.calls.get(name) ?? 0);
        } else this.#checkData(value, !weight.whole.has(name) && !weight.slices);
      } catch (error) {
        if (!(error instanceof Heavy)) throw error;
        throw new Heavy(`its \`${name}\`: ${error.message}`, error.forGood);
      }
    }
    return calls;
  }

  /** A captured function may be used as an object: then it is not to have more than all functions have. */
  #checkProperties(fn: Function): void {
    const usual = new Set<string | symbol>(['length', 'name', 'prototype', 'arguments', 'caller']);
    const prototype: unknown = fn.prototype;
    const isUsual =
      Reflect.ownKeys(fn).every((key) => usual.has(key)) &&
      Object.getPrototypeOf(fn) === Function.prototype &&
      (typeof prototype !== 'object' || prototype === null || Reflect.ownKeys(prototype).length <= 1);
    if (!isUsual) throw new Heavy('it is a function with properties', false);
  }

  /** Plain data, without a getter anywhere. `partsOnly`: nothing is done with the value but to read its parts. */
  #checkData(value: unknown, partsOnly: boolean): void {
    if (typeof value === 'string' && value.length > MOST_PARTS)
      throw new Heavy('it holds a long text', false);
    if (typeof value === 'function' || typeof value === 'symbol' || typeof value === 'bigint') {
      throw new Heavy(`it holds a ${typeof value}`, false);
    }
    this.#checkRoom(1);
    this.#parts -= 1;
    if (typeof value !== 'object' || value === null || this.#seen.has(value)) return;
    this.#seen.add(value);
    const type: unknown = Object.getPrototypeOf(value);
    if (ArrayBuffer.isView(value) && NUMERIC.has(type)) return this.#checkNumbers(value, partsOnly);
    const isCollection = type === Map.prototype || type === Set.prototype;
    if (!isCollection && type !== Object.prototype && type !== Array.prototype && type !== null) {
      throw new Heavy('it holds an object that is more than data', false);
    }
    if (isCollection) {
      this.#checkRoom((value as Set<unknown>).size);
      for (const part of value as Iterable<unknown>) this.#checkData(part, false);
    }
    if (Array.isArray(value)) this.#checkRoom(value.length);
    for (const key of Reflect.ownKeys(value)) {
      const descriptor = Object.getOwnPropertyDescriptor(value, key)!;
      if (!('value' in descriptor)) throw new Heavy('it holds a getter', false);
      this.#checkData(descriptor.value, false);
    }
  }

  #checkRoom(parts: number): void {
    if (parts > this.#parts) throw new Heavy(`it holds more than ${MOST_PARTS} values`, false);
  }

  /** Numeric arrays may be long where their elements alone are read. */
  #checkNumbers(array: ArrayBufferView, partsOnly: boolean): void {
    const { length } = array as unknown as { readonly length: number };
    if (!partsOnly) this.#checkRoom(length);
    // Keys of its own come after those of its elements, which are too many to be listed.
    const own = [
      'at',
      'slice',
      'toString',
      'valueOf',
      'length',
      'get',
      'has',
      Symbol.toPrimitive,
      Symbol.iterator,
    ];
    if (own.some((key) => Object.hasOwn(array, key)))
      throw new Heavy('it holds an array with properties', false);
  }
}

/** @throws Heavy */
function checkCode({ isClass, form, imports, provides }: CodeRecord): void {
  if (isClass) throw new Heavy('it is a class');
  if (form !== 'expression') throw new Heavy('it is a method');
  if (imports.length > 0) throw new Heavy(`it uses the import \`${imports[0]!.name}\``);
  if (provides.length > 0) throw new Heavy(`it uses \`${provides[0]}\``);
}

const NUMERIC: ReadonlySet<unknown> = new Set(
  [Int8Array, Uint8Array, Uint8ClampedArray, Int16Array, Uint16Array, Int32Array, Uint32Array, Float32Array]
    .map((type): unknown => type.prototype)
    .concat(Float64Array.prototype),
);

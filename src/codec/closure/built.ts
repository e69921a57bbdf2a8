/**
 * What functions that were built here read as. Nothing assigns to what they capture (a function that would is refused
 * where it is sent), so a task that sends one on needs neither parser nor inspector, whatever copy of it runs.
 */
import type { CodeRecord, Reading } from './reading.js';

interface Built {
  readonly code: CodeRecord;
  /** Of its captures; those that come late are written here when they come. */
  readonly values: readonly unknown[];
}

let known: WeakMap<Function, Built> | undefined;
/** Whether code is no more than its text and its captures say. */
const plain = new WeakMap<CodeRecord, boolean>();

/** From now on: for threads that send functions on. Others would only pay for it. */
export function keepBuilt(): void {
  known ??= new WeakMap();
}

export function built(fn: Function, code: CodeRecord, values: readonly unknown[]): void {
  if (known === undefined) return;
  let isPlain = plain.get(code);
  if (isPlain === undefined) {
    // What is evaluated could assign to anything.
    isPlain = !code.isClass && !code.usesArguments && !/\\u|\beval\b/.test(code.source);
    plain.set(code, isPlain);
  }
  if (isPlain) known.set(fn, { code, values });
}

export function builtReading(fn: Function): Reading | undefined {
  const found = known?.get(fn);
  if (found === undefined) return undefined;
  const { code, values } = found;
  return { kind: 'code', code, captures: code.names.map((name, i) => ({ name, value: values[i] })) };
}

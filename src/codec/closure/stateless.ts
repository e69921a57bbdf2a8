/**
 * Which functions have no state of their own, so that nobody can tell one copy from another: calls may then share one.
 * A function can keep something only in what it captures, in itself or in a function that it knows, as a property. So
 * it is stateless if its captures never change and are primitive values, or stateless functions that it only calls.
 */
import { readFunction, stableReading } from './read-function.js';

const known = new WeakMap<Function, boolean>();

/** False where it is not certain, as for what cannot travel at all. */
export function isStateless(fn: Function): boolean {
  let answer = known.get(fn);
  if (answer === undefined) {
    try {
      answer = decide(fn, new Set());
    } catch {
      return false;
    }
    known.set(fn, answer);
  }
  return answer;
}

function decide(fn: Function, asked: Set<Function>): boolean {
  if (asked.has(fn)) return true;
  asked.add(fn);
  readFunction(fn);
  const reading = stableReading(fn);
  if (reading === undefined || reading.kind === 'bound') return false;
  // What everybody has, and exports, are one for all calls on a worker anyway.
  if (reading.kind !== 'code') return true;
  const { code, captures } = reading;
  const { source } = code;
  // Ways to reach what the text does not name.
  if (code.isClass || code.usesArguments || /\\u|\beval\b|\bcallee\b/.test(source)) return false;
  if (code.form !== 'expression') return false;
  const head = /^(?:async\s+)?function\s*\*?\s*([\w$]*)\s*\(/.exec(source);
  // A beginning that is not understood may hide the function's name.
  if (head === null && !/^(?:async\s*)?(?:\(|[\w$]+\s*=>)/.test(source)) return false;
  // Sloppy code can ask what runs.
  if (!code.strict && /\barguments\b|prepareStackTrace/.test(source)) return false;
  // What a generator gives leads to the generator's own prototype.
  if (asked.size > 1 && /^(?:async\s+)?function\s*\*/.test(source)) return false;
  const own = head?.[1] ?? '';
  if (own !== '' && !isOnlyCalled(own, source, 1)) return false;
  return captures.every(({ name, value }) => {
    if (typeof value !== 'function') return value === null || typeof value !== 'object';
    return isOnlyCalled(name, source, 0) && decide(value as Function, asked);
  });
}

/** Every time the text has the name, after the first `skipped` times, it is a call. */
function isOnlyCalled(name: string, source: string, skipped: number): boolean {
  const uses = new RegExp(
    String.raw`(new\s+)?(?<![\w$])${name.replaceAll('$', '\\$')}(?![\w$])(\s*\()?`,
    'g',
  );
  return [...source.matchAll(uses)]
    .slice(skipped)
    .every((use) => use[1] === undefined && use[2] !== undefined);
}

import { findSourceMap } from 'node:module';
import { basename } from 'node:path';
import type { TextPosition } from './analyze.js';
import { nativeError } from './known-modules.js';
import { pathOf } from './paths.js';

/** Tells the place in the user's file behind a place in the text that runs; both 0-based. */
export type Locate = (line: number, column: number) => TextPosition | undefined;

/**
 * How a runner that compiles files as they are loaded maps places: by the source map that Node.js keeps, or by the
 * `Error.prepareStackTrace` that the runner has installed. Undefined where there is neither.
 */
export function originalPlaces(file: string): Locate | undefined {
  const path = pathOf(file);
  if (path === undefined) return undefined;
  try {
    const map = findSourceMap(file) ?? findSourceMap(path);
    if (map) {
      return (line, column) => {
        const entry = map.findEntry(line, column);
        if (!('originalLine' in entry) || entry.originalLine === undefined) return undefined;
        // A bundle's map leads to other files, whose names cannot stand for this one's.
        if (basename(entry.originalSource) !== basename(path)) return undefined;
        return { line: entry.originalLine, column: entry.originalColumn };
      };
    }
  } catch {
    // A map that cannot be read is as good as none.
    return undefined;
  }
  const prepare = (Error.prepareStackTrace ?? nativeError().prepareStackTrace) as Prepare | undefined;
  return prepare && ((line, column) => askRunner(prepare, file, path, line, column));
}

type Prepare = (error: Error, sites: readonly object[]) => unknown;

/** What a stack trace would say, were it to pass this place. */
function askRunner(
  prepare: Prepare,
  file: string,
  path: string,
  line: number,
  column: number,
): TextPosition | undefined {
  try {
    const stack = String(prepare(new Error('place'), [new Site(file, line + 1, column + 1)]));
    const [, shown = '', atLine, atColumn] = /at (.+):(\d+):(\d+)\)?\s*$/.exec(stack) ?? [];
    if (basename(shown) !== basename(path)) return undefined;
    return { line: Number(atLine) - 1, column: Number(atColumn) - 1 };
  } catch {
    return undefined;
  }
}

/** As much of a `CallSite` as those who map stack traces ask for, on the prototype, from which they copy it. */
class Site {
  constructor(
    private readonly file: string,
    private readonly line: number,
    private readonly column: number,
  ) {}
  getFileName(): string {
    return this.file;
  }
  getScriptNameOrSourceURL(): string {
    return this.file;
  }
  getLineNumber(): number {
    return this.line;
  }
  getColumnNumber(): number {
    return this.column;
  }
  getPosition(): number {
    return 0;
  }
  getScriptHash(): string {
    return '';
  }
  getFunctionName(): null {
    return null;
  }
  getMethodName(): null {
    return null;
  }
  getTypeName(): null {
    return null;
  }
  getFunction(): undefined {
    return undefined;
  }
  getThis(): undefined {
    return undefined;
  }
  getEvalOrigin(): undefined {
    return undefined;
  }
  getPromiseIndex(): null {
    return null;
  }
  getEnclosingLineNumber(): number {
    return this.line;
  }
  getEnclosingColumnNumber(): number {
    return this.column;
  }
  isNative(): boolean {
    return false;
  }
  isToplevel(): boolean {
    return true;
  }
  isEval(): boolean {
    return false;
  }
  isConstructor(): boolean {
    return false;
  }
  isAsync(): boolean {
    return false;
  }
  isPromiseAll(): boolean {
    return false;
  }
  toString(): string {
    return `${this.file}:${this.line}:${this.column}`;
  }
}

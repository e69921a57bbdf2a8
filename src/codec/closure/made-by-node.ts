import { withHash } from './code-record.js';
import type { Inspection } from './inspect.js';
import type { CodeRecord, ImportBinding, Reading } from './reading.js';

/** Makers of functions in `node:util`, whose products all have one text and hold what they were made of. */
const makers = ['promisify', 'callbackify'] as const;
let texts: Map<string, (typeof makers)[number]> | undefined;

const textOf = (fn: Function): string => Function.prototype.toString.call(fn);

function makerOf(text: string): (typeof makers)[number] | undefined {
  if (texts === undefined) {
    const util = process.getBuiltinModule('node:util');
    texts = new Map(makers.map((name) => [textOf(util[name](async () => undefined)), name]));
  }
  return texts.get(text);
}

export function isRequire(value: unknown): boolean {
  return typeof value === 'function' && 'cache' in value && 'resolve' in value;
}

/**
 * A function that Node.js made for the user out of something that travels: `promisify(fs.readFile)`, or a `require`
 * of some file. It is made again in the worker.
 */
export function readMadeByNode(fn: Function, text: string, inspection: Inspection): Reading | undefined {
  const variable = (name: string): unknown =>
    inspection.scopes.find((scope) => scope.type === 'Closure' && Object.hasOwn(scope.variables, name))
      ?.variables[name];
  const maker = makerOf(text);
  if (maker !== undefined) {
    const original = variable('original');
    if (typeof original !== 'function') return undefined;
    const made: ImportBinding = { name: maker, module: { specifier: 'node:util' }, imported: maker };
    const code = synthetic({ source: `${maker}(original)`, names: ['original'], imports: [made] });
    return { kind: 'code', code, captures: [{ name: 'original', value: original }], complete: true };
  }
  if (!isRequire(fn)) return undefined;
  const file = (variable('mod') as { filename?: unknown } | undefined)?.filename;
  if (typeof file !== 'string') return undefined;
  return {
    kind: 'code',
    code: synthetic({ source: 'require', provides: ['require'], file }),
    captures: [],
    complete: true,
  };
}

function synthetic(
  part: Pick<CodeRecord, 'source'> & Partial<Pick<CodeRecord, 'names' | 'imports' | 'provides' | 'file'>>,
): CodeRecord {
  return withHash({
    isClass: false,
    form: 'expression',
    file: undefined,
    line: 0,
    column: 0,
    strict: true,
    names: [],
    imports: [],
    provides: [],
    usesArguments: false,
    ...part,
  });
}

import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { compileFunction, constants } from 'node:vm';
import { SerializationError } from '../../errors.js';
import { isEntry } from './entry.js';
import { bindingValue, importFrom, requireOf, silenceLoaderWarning } from './modules.js';
import { pathOf } from './paths.js';
import type { CodeRecord } from './reading.js';

export interface Built {
  readonly value: Function;
  /** Gives a capture named in `late` its value; present where there are such. */
  readonly bind?: (index: number, value: unknown) => void;
}

/** Makes one instance of the code: environment values and captures in, function and setter out. */
type Factory = (
  values: readonly unknown[],
  captures: readonly unknown[],
) => { value: Function; bind?: (index: number, value: unknown) => void };

type Make = (
  all: readonly unknown[],
  captures: readonly unknown[],
  ...helpers: [typeof setName, typeof pick, typeof keep]
) => Built;

const limit = 1000;
/** Least recently used first. */
const factories = new Map<string, { factory: Factory; values: readonly unknown[] }>();

/**
 * Makes a function of its code and the values of what it captures, in the order of `code.names` (then
 * `arguments`). Captures whose index is in `late` are not there yet: `bind` gives them later, which lets
 * functions that capture each other be built. The modules of the code must be prepared before.
 */
export function buildFunction(
  code: CodeRecord,
  captures: readonly unknown[],
  late: readonly number[] = [],
): Built {
  const key = late.length === 0 ? code.hash : `${code.hash}:${late.join()}`;
  let entry = factories.get(key);
  if (entry) factories.delete(key);
  else entry = { factory: compileFactory(code, new Set(late)), values: environment(code) };
  factories.set(key, entry);
  if (factories.size > limit) factories.delete(factories.keys().next().value!);
  return entry.factory(entry.values, captures);
}

/** Values of imports and provided names, the same for every instance. */
function environment(code: CodeRecord): unknown[] {
  return [...code.imports.map(bindingValue), ...code.provides.map((name) => provide(name, code.file))];
}

function provide(name: CodeRecord['provides'][number], file: string | undefined): unknown {
  const path = file === undefined ? undefined : pathOf(file);
  switch (name) {
    case 'require':
      return requireOf(file);
    case '__filename':
      return path;
    case '__dirname':
      return path === undefined ? undefined : dirname(path);
    case 'module':
      return moduleObject(path, requireOf(file));
    case '__vite_ssr_import_meta__':
      return { ...importMeta(file, path), env: process.env };
    case '__vite_ssr_dynamic_import__':
      return (specifier: string) =>
        importFrom(file, path === undefined ? specifier : fromRoot(specifier, path));
    case 'import.meta':
      return importMeta(file, path);
    default:
      throw new SerializationError(
        `The code asks for \`${String(name satisfies never)}\`, which is unknown here.`,
      );
  }
}

/** Vite writes paths from its root, which is a folder above the file, and others with a prefix. */
function fromRoot(specifier: string, path: string): string {
  if (!specifier.startsWith('/')) return specifier;
  const whole = specifier.replace(/^\/@fs(?=\/)/, '');
  if (existsSync(whole)) return pathToFileURL(whole).href;
  for (let folder = dirname(path); ; folder = dirname(folder)) {
    const candidate = join(folder, whole);
    if (existsSync(candidate)) return pathToFileURL(candidate).href;
    if (folder === dirname(folder)) return specifier;
  }
}

/** `module` of a CommonJS file. Its exports come by loading the file, which must never happen to an entry script. */
function moduleObject(path: string | undefined, require: NodeJS.Require): object {
  return {
    get exports(): unknown {
      if (path === undefined) return {};
      if (!isEntry(path)) return require(path);
      throw new SerializationError(
        `\`module.exports\` of the script ${path} does not exist in a worker, which never runs that script again. Use the exported variables by their own names.`,
      );
    },
    filename: path,
    id: path,
    require,
    loaded: true,
  };
}

function importMeta(file: string | undefined, path: string | undefined): object {
  const url = path === undefined ? file : file?.startsWith('file:') ? file : pathToFileURL(path).href;
  const require = requireOf(file);
  return {
    __proto__: null,
    url,
    filename: path,
    dirname: path === undefined ? undefined : dirname(path),
    main: false,
    resolve: (specifier: string): string => {
      if (/^\.{0,2}\//.test(specifier)) return new URL(specifier, url).href;
      const found = resolveModule(require, specifier, url);
      return pathOf(found) === undefined
        ? found.startsWith('node:')
          ? found
          : `node:${found}`
        : pathToFileURL(found).href;
    },
  };
}

/** Fails as `import.meta.resolve` does. */
function resolveModule(require: NodeJS.Require, specifier: string, from: string | undefined): string {
  try {
    return require.resolve(specifier);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'MODULE_NOT_FOUND') throw error;
    const failure = new Error(
      `Cannot find package '${specifier}' imported from ${from ?? 'an unknown file'}`,
    );
    throw Object.assign(failure, { code: 'ERR_MODULE_NOT_FOUND' });
  }
}

/** A beginning for names of this file's own that neither the source nor anything it uses has. */
function ownPrefix(code: CodeRecord): string {
  let prefix = '$simul';
  const taken = [code.source, ...code.names].join();
  while (taken.includes(prefix)) prefix += '$';
  return prefix;
}

/**
 * Everything in front of the source stands on the source's first line, and the column offset is reduced by its
 * length: so lines and columns are the user's whatever the length of line or prefix. What the source uses are
 * parameters, as sloppy code may call them `let` or `arguments`.
 */
function compileFactory(code: CodeRecord, late: ReadonlySet<number>): Factory {
  const own = ownPrefix(code);
  const provided = code.provides.map((name) => (name === 'import.meta' ? code.importMeta! : name));
  const parameters = [...code.imports.map((item) => item.name), ...provided, ...code.names].join();
  const [before, after] = wrapping(code, own);
  const args = code.usesArguments ? code.names.length : -1;
  const prefix =
    `${code.strict ? "'use strict';" : ''}return(function(${parameters}){const ${own}Function=` +
    (args < 0 ? before : `(function(){return ${before}`);
  const close = args < 0 ? after : `${after}}).apply(undefined,${own}Captures[${args}])`;
  const name = code.name === undefined ? '' : `${own}Name(${own}Function,${JSON.stringify(code.name)});`;
  const cases = [...late].map((at) => `case ${at}:${code.names[at]!}=${own}Value;break;`).join('');
  const bind = late.size > 0 ? `,bind(${own}At,${own}Value){switch(${own}At){${cases}}}` : '';
  const text = `${prefix}${code.source}\n${close};${name}return{value:${own}Function${bind}}}).apply(undefined,${own}All);`;
  // The loader is there only for code that may import: making it ready costs more than a first task should.
  if (/\b(?:import|eval|Function)\b/.test(code.source)) silenceLoaderWarning();
  try {
    const make = compileFunction(
      text,
      ['All', 'Captures', 'Name', 'Pick', 'Keep'].map((each) => own + each),
      {
        ...(code.file === undefined ? {} : { filename: code.file }),
        lineOffset: code.line,
        columnOffset: code.column - prefix.length,
        importModuleDynamically: constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
      },
    ) as Make;
    return (values, captures) => make([...values, ...captures], captures, setName, pick, keep);
  } catch (error) {
    throw new SerializationError(
      `The code of a function from ${code.file ?? 'an unknown file'}:${code.line + 1} does not compile in the worker: ${error instanceof Error ? error.message : String(error)}`,
      { cause: error },
    );
  }
}

/** What turns the source into an expression for the function itself. */
function wrapping(code: CodeRecord, own: string): [before: string, after: string] {
  switch (code.form) {
    case 'expression':
      // As a property's value an anonymous function gets its name the ordinary way, static blocks included.
      if (code.name !== undefined) {
        const key = `[${JSON.stringify(code.name)}]`;
        return [`({${key}:(`, `)})${key}`];
      }
      // As an argument an anonymous function takes no name, not even one that V8 infers for stack traces.
      return [`${own}Keep(`, ')'];
    case 'method':
    case 'get':
    case 'set':
      return [`${own}Pick({`, '})'];
    default:
      throw new SerializationError(`The code has the unknown form \`${String(code.form satisfies never)}\`.`);
  }
}

function keep(value: unknown): unknown {
  return value;
}

function setName(fn: Function, name: string): void {
  if (Object.getOwnPropertyDescriptor(fn, 'name')?.value === name) return;
  Object.defineProperty(fn, 'name', { value: name, configurable: true });
}

/** The function of the only member of an object literal; a helper, as captures may shadow `Object`. */
function pick(holder: object): unknown {
  const descriptor = Object.getOwnPropertyDescriptor(holder, Reflect.ownKeys(holder)[0]!);
  return descriptor?.get ?? descriptor?.set ?? (descriptor?.value as unknown);
}

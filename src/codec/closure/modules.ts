import { compileFunction, constants } from 'node:vm';
import { SerializationError } from '../../errors.js';
import { createNativeRequire, nativeProcess } from './known-modules.js';
import { isTypeScript, pathOf } from './paths.js';
import type { CodeRecord, ImportBinding, ModuleRef } from './reading.js';
import { resolveSelf, selfSpecifier } from './self.js';

type Namespace = Record<string, unknown>;

const namespaces = new Map<string, Namespace>();
/** Why an import did not succeed, told to whoever needs it. */
const failures = new Map<string, unknown>();
const pending = new Map<string, Promise<void>>();
const importers = new Map<string, (specifier: string) => Promise<Namespace>>();
let typeScriptHook: (() => void) | undefined;

/** Called once, before the first import of or from a TypeScript file: time to install a loader for it. */
export function onTypeScriptNeeded(hook: () => void): void {
  typeScriptHook = hook;
}

function keyOf(ref: ModuleRef): string {
  return isAbsolute(ref.specifier) ? ref.specifier : `${ref.specifier}\n${ref.from ?? ''}`;
}

function isAbsolute(specifier: string): boolean {
  return /^(?:node|file|data):/.test(specifier);
}

function needTypeScript(ref: ModuleRef): void {
  if (!typeScriptHook || !(isTypeScript(ref.specifier) || (ref.from && isTypeScript(ref.from)))) return;
  const hook = typeScriptHook;
  typeScriptHook = undefined;
  hook();
}

let silenced = false;

/**
 * Node.js 20 and 22 announce once that the loader constant is experimental, at the first `import()` that uses
 * it. Users did nothing to be warned about, so that first import happens here, with the announcement left out.
 */
export function silenceLoaderWarning(): void {
  if (silenced) return;
  silenced = true;
  const own = nativeProcess();
  const emit = own.emitWarning;
  own.emitWarning = (warning: string | Error, ...rest: unknown[]): void => {
    if (String(warning).includes('USE_MAIN_CONTEXT_DEFAULT_LOADER')) return;
    Reflect.apply(emit, own, [warning, ...rest]);
  };
  try {
    const first = compileFunction("return import('node:process')", [], {
      importModuleDynamically: constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
    }) as () => Promise<unknown>;
    first().catch(() => undefined);
  } finally {
    own.emitWarning = emit;
  }
}

/** An `import()` that stands in the user's file, so that the loader and its hooks resolve as they do there. */
function importer(from: string | undefined): (specifier: string) => Promise<Namespace> {
  const file = from ?? '';
  let made = importers.get(file);
  if (!made) {
    silenceLoaderWarning();
    made = compileFunction('return import(specifier)', ['specifier'], {
      ...(from === undefined || pathOf(from) === undefined ? {} : { filename: from }),
      importModuleDynamically: constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
    }) as (specifier: string) => Promise<Namespace>;
    importers.set(file, made);
  }
  return made;
}

/** `import(specifier)` as the file `from` would do it. */
export function importFrom(from: string | undefined, specifier: string): Promise<object> {
  needTypeScript({ specifier, from });
  return importer(from)(specifier);
}

function load(ref: ModuleRef): Promise<void> | undefined {
  if (ref.specifier === selfSpecifier) return undefined;
  const key = keyOf(ref);
  if (loaded(ref) !== undefined) return undefined;
  let loading = pending.get(key);
  if (!loading) {
    needTypeScript(ref);
    loading = importer(ref.from)(ref.specifier)
      .then(
        (namespace) => {
          namespaces.set(key, namespace);
        },
        (error: unknown) => {
          failures.set(key, error);
          throw error;
        },
      )
      .finally(() => pending.delete(key));
    pending.set(key, loading);
  }
  return loading;
}

/** The namespace of a module that was imported, or of a builtin, which needs no import. */
function loaded(ref: ModuleRef): Namespace | undefined {
  const key = keyOf(ref);
  const found = namespaces.get(key);
  if (found !== undefined || !ref.specifier.startsWith('node:')) return found;
  const exports = process.getBuiltinModule(ref.specifier) as Namespace | undefined;
  if (exports === undefined) return undefined;
  const namespace = builtinNamespace(exports);
  namespaces.set(key, namespace);
  return namespace;
}

function builtinNamespace(exports: Namespace): Namespace {
  return new Proxy(exports, {
    get: (target, name) => (name === 'default' ? target : Reflect.get(target, name)),
    has: (target, name) => name === 'default' || Reflect.has(target, name),
  });
}

/** Imports modules; undefined when all are there already. */
export function prepareModules(refs: readonly ModuleRef[]): Promise<void> | undefined {
  const loading = refs.map(load).filter((promise) => promise !== undefined);
  return loading.length === 0 ? undefined : Promise.all(loading).then(() => undefined);
}

/** Imports what a function's code imports; undefined when there is nothing to wait for. */
export function prepareCode(code: CodeRecord): Promise<void> | undefined {
  if (code.file !== undefined && isTypeScript(code.file)) needTypeScript({ specifier: code.file });
  return prepareModules(code.imports.map((binding) => binding.module));
}

function namespaceOf(ref: ModuleRef): Namespace {
  const found = loaded(ref);
  if (found !== undefined) return found;
  const failure = failures.get(keyOf(ref));
  if (failure !== undefined) {
    const why = failure instanceof Error ? failure.message : String(failure);
    throw new SerializationError(
      `${ref.specifier}${ref.from ? ` (imported by ${ref.from})` : ''} could not be imported in the worker: ${why}`,
      { cause: failure },
    );
  }
  throw new SerializationError(
    `The module ${ref.specifier}${ref.from ? ` (imported by ${ref.from})` : ''} was not imported before the code that uses it.`,
  );
}

/** What `require` returns for a module that `import` has loaded. */
function commonExports(namespace: Namespace): unknown {
  return 'module.exports' in namespace ? namespace['module.exports'] : (namespace['default'] ?? namespace);
}

/** An export of a module that has been prepared; `name` may be dotted, `'='` is what `require()` returns. */
export function resolveExport(ref: ModuleRef, name: string): unknown {
  if (ref.specifier === selfSpecifier) return resolveSelf(name);
  const namespace = namespaceOf(ref);
  if (name === '=') return commonExports(namespace);
  if (name === '*') return namespace;
  if (name in namespace) return namespace[name];
  let value: unknown = commonExports(namespace);
  for (const part of name.split('.')) value = (value as Namespace | undefined)?.[part];
  if (value === undefined) {
    throw new SerializationError(
      `The module ${ref.specifier} has no export \`${name}\` in the worker. Does it export other things depending on where it runs?`,
    );
  }
  return value;
}

/** The value of an imported name in rebuilt code. */
export function bindingValue(binding: ImportBinding): unknown {
  const namespace = namespaceOf(binding.module);
  if (binding.wrapped) return interop(namespace, binding.imported === '=');
  if (binding.imported === '=') return commonExports(namespace);
  if (binding.imported === '*') return namespace;
  return resolveExport(binding.module, binding.imported);
}

/** What compilers make of an import: the exports, and `default` beside them. */
function interop(namespace: Namespace, common: boolean): Namespace {
  const exports = common ? (commonExports(namespace) as Namespace) : namespace;
  const fallback = common ? exports : namespace['default'];
  return new Proxy(Object.create(null) as Namespace, {
    get: (_target, name) => {
      if (name === 'default') return fallback;
      if (name === '__esModule') return true;
      const own: unknown = Reflect.get(exports, name);
      if (own !== undefined || !isObject(fallback)) return own;
      return Reflect.get(fallback, name) as unknown;
    },
    has: (_target, name) => name === 'default' || name in exports || (isObject(fallback) && name in fallback),
    ownKeys: () => [...new Set(['default', ...Reflect.ownKeys(exports)])],
    getOwnPropertyDescriptor: (_target, name) => ({
      configurable: true,
      enumerable: true,
      value: name === 'default' ? fallback : (Reflect.get(exports, name) as unknown),
    }),
  });
}

function isObject(value: unknown): value is object {
  return (typeof value === 'object' || typeof value === 'function') && value !== null;
}

/** `require` of a user's file, or of the working directory where no file is known. */
export function requireOf(file: string | undefined): NodeJS.Require {
  return createNativeRequire((file && pathOf(file)) ?? `${process.cwd()}/`);
}

import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { types } from 'node:util';
import { isEntry } from './entry.js';
import { builtinModule, cachedModule, moduleExporting } from './known-modules.js';
import type { ModuleInfo } from './module-info.js';
import { isTypeScript, pathOf } from './paths.js';
import type { ImportBinding, ModuleRef } from './reading.js';

const endings = ['', '.ts', '.tsx', '.mts', '.cts', '.js', '.mjs', '.cjs', '.jsx', '.json'];

/**
 * The module an import statement of `file` names. Compilers and runners let a path leave out its ending, or say
 * `.js` for a `.ts` file; such a path is completed here, where it is known to have worked.
 * Undefined where the worker must not or cannot import it: the entry module, an alias of a bundler.
 */
export function moduleRef(specifier: string, file: string): ModuleRef | undefined {
  if (specifier.startsWith('node:')) return { specifier };
  if (builtinNamed(specifier)) return { specifier: `node:${specifier}` };
  const from = pathOf(file);
  const relative = /^\.{1,2}(?:\/|$)/.test(specifier);
  const path = relative && from !== undefined ? resolve(dirname(from), clean(specifier)) : pathOf(specifier);
  if (path === undefined) return { specifier, from: file };
  const found = complete(path);
  if (found === undefined || isEntry(found)) return undefined;
  return found === path && !isTypeScript(file)
    ? { specifier, from: file }
    : { specifier: pathToFileURL(found).href };
}

function clean(specifier: string): string {
  return specifier.replace(/[?#].*$/s, '');
}

function builtinNamed(specifier: string): boolean {
  return process.getBuiltinModule(specifier) !== undefined && !specifier.includes(':');
}

function complete(path: string): string | undefined {
  for (const ending of endings) {
    if (/\.[cm]?[jt]sx?$|\.json$|\.wasm$|\.node$/.test(path + ending) && existsSync(path + ending))
      return path + ending;
  }
  const typed = path.replace(/\.([cm]?)js(x?)$/, '.$1ts$2');
  if (typed !== path && existsSync(typed)) return typed;
  for (const ending of endings.slice(1)) {
    const index = resolve(path, `index${ending}`);
    if (existsSync(index)) return index;
  }
  return existsSync(path) ? path : undefined;
}

/** The binding of a name that is an import of an ES module. */
export function staticImport(name: string, info: ModuleInfo, file: string): ImportBinding | undefined {
  const entry = info.imports.get(name);
  if (!entry) return undefined;
  const module = moduleRef(entry.specifier, file);
  return module && { name, module, imported: entry.imported };
}

/**
 * The binding of a variable that holds a module as compiled code or `require` left it there: a builtin or a
 * CommonJS module by identity, a runner's module object by the place of its import in the file.
 */
export function moduleInVariable(
  name: string,
  value: unknown,
  info: ModuleInfo | undefined,
  file: string,
): ImportBinding | undefined {
  if (!isObject(value)) return undefined;
  // Functions that are a whole module are recognised when they are read themselves.
  const whole = typeof value === 'function' ? undefined : wholeModule(value);
  if (whole) return { name, ...whole };
  const inner = defaultOf(value);
  const wrappedModule = isObject(inner) && looksWrapped(value, inner) ? wholeModule(inner) : undefined;
  if (wrappedModule) return { name, ...wrappedModule, wrapped: 'interop' };
  const specifier = info && importNamed(name, info);
  const module =
    specifier === undefined ? info && requiredInto(name, value, info) : moduleRef(specifier, file);
  return module && { name, module, imported: '*', wrapped: 'interop' };
}

function isObject(value: unknown): value is object {
  return (typeof value === 'object' || typeof value === 'function') && value !== null;
}

function defaultOf(value: object): unknown {
  try {
    return (value as { default?: unknown }).default;
  } catch {
    return undefined;
  }
}

/** A wrapper holds nothing but its module: every enumerable key is the module's own. */
function looksWrapped(value: object, inner: object): boolean {
  return Object.keys(value).every(
    (key) => key === 'default' || key === '__esModule' || key === 'module.exports' || key in inner,
  );
}

function wholeModule(value: object): Pick<ImportBinding, 'module' | 'imported'> | undefined {
  const builtin = builtinModule(value);
  if (builtin) return { module: builtin, imported: '=' };
  const module = moduleExporting(value);
  if (!module || module.exports !== value || !module.loaded || isEntry(module.filename)) return undefined;
  if (module !== cachedModule(module.filename) || isTypeScript(module.filename)) return undefined;
  // `require` of an ES module gives its namespace.
  const imported = types.isModuleNamespaceObject(value) ? '*' : '=';
  return { module: { specifier: pathToFileURL(module.filename).href }, imported };
}

/** The ES module whose namespace a compiler's helper has copied into the variable. */
function requiredInto(name: string, value: object, info: ModuleInfo): ModuleRef | undefined {
  const specifier = info.required.get(name);
  const required = specifier === undefined ? undefined : requiredModule(specifier, info.path);
  if (!required?.loaded || isEntry(required.filename) || isTypeScript(required.filename)) return undefined;
  const exports = required.exports as Record<string, unknown>;
  if (!types.isModuleNamespaceObject(exports)) return undefined;
  const copied = Object.keys(exports).every(
    (key) => (value as Record<string, unknown>)[key] === exports[key],
  );
  return copied ? { specifier: pathToFileURL(required.filename).href } : undefined;
}

function requiredModule(specifier: string, from: string): ReturnType<typeof cachedModule> {
  try {
    return cachedModule(createRequire(from).resolve(specifier));
  } catch {
    return undefined;
  }
}

const named = new WeakMap<ModuleInfo, Map<string, string | undefined>>();

/** As {@link importNamedBy}, which searches the whole text of the file: once for a name. */
function importNamed(name: string, info: ModuleInfo): string | undefined {
  let known = named.get(info);
  if (known === undefined) {
    known = new Map();
    named.set(info, known);
  }
  if (!known.has(name)) known.set(name, importNamedBy(name, info));
  return known.get(name);
}

/** The specifier behind `__vite_ssr_import_N__`, `import_x`, `x_1` and `_x`, from the file's own imports. */
function importNamedBy(name: string, info: ModuleInfo): string | undefined {
  // Names that compilers invent are not in the source; a user's own `_config` beside './config' is.
  if (info.text.includes(name)) return undefined;
  const vite = /^__vi(?:te_ssr)?_import_(\d+)__$/.exec(name);
  if (vite) return info.specifiers[Number(vite[1])];
  const stem =
    /^import_(.+?)\d*$/.exec(name)?.[1] ?? /^(.+)_\d+$/.exec(name)?.[1] ?? /^_(.+?)\d*$/.exec(name)?.[1];
  if (stem === undefined) return undefined;
  const wanted = squash(stem);
  const matching = info.specifiers.filter((specifier) => {
    const base = specifier.replace(/\/index(\.\w+)?$/, '').replace(/^.*\//s, '');
    return squash(base) === wanted || squash(base.replace(/\.\w+$/, '')) === wanted;
  });
  return matching.length === 1 ? matching[0] : undefined;
}

function squash(text: string): string {
  return text.replace(/[^A-Za-z0-9]/g, '').toLowerCase();
}

import { pathToFileURL } from 'node:url';
import type { Analysis } from './analyze.js';
import { isEvaluating } from './call-stack.js';
import { isEntry } from './entry.js';
import type { Inspection } from './inspect.js';
import { cachedModule, type Exported } from './known-modules.js';
import { type ModuleInfo, moduleInfo } from './module-info.js';
import { isTypeScript, pathOf } from './paths.js';

/** Loaders that let files import what plain Node.js cannot, so that a worker may fail to import the same file. */
const customLoader = /\b(?:tsx|ts-node|swc-node|esbuild-register|jiti|babel)\b/;
let custom: boolean | undefined;

function hasCustomLoader(): boolean {
  custom ??= customLoader.test([...process.execArgv, process.env['NODE_OPTIONS'] ?? ''].join(' '));
  return custom;
}

function workerCanImport(file: string): boolean {
  if (hasCustomLoader()) return false;
  const native = (process.features as { typescript?: string | false }).typescript;
  return !isTypeScript(file) || Boolean(native);
}

/** Modules seen to be evaluated once stay so. */
const evaluated = new Set<string>();

/**
 * The export that a function is, if importing its file in a worker gives the same function and runs nothing a
 * second time that the user wrote as a script.
 */
export function exportOf(
  fn: Function,
  url: string,
  inspection: Inspection | undefined,
  analysis: Analysis,
): Exported | undefined {
  const path = pathOf(url);
  if (path === undefined || isEntry(path)) return undefined;
  const common = cachedModule(path);
  if (common) {
    if (!common.loaded || !workerCanImport(path)) return undefined;
    const name = memberOf(common.exports, fn);
    return name === undefined ? undefined : { module: { specifier: urlOf(url, path) }, name };
  }
  const scope = inspection?.scopes.find((candidate) => candidate.type === 'Module');
  if (!scope || !inspection || !workerCanImport(path)) return undefined;
  const info = moduleInfo(url);
  if (!info?.isModule || info.hasTopLevelAwait) return undefined;
  const name = exportedName(fn, info, scope.variables, inspection, analysis);
  if (name === undefined) return undefined;
  if (!evaluated.has(url)) {
    if (isEvaluating(path)) return undefined;
    evaluated.add(url);
  }
  return { module: { specifier: urlOf(url, path) }, name };
}

function urlOf(url: string, path: string): string {
  return url.startsWith('file:') ? url : pathToFileURL(path).href;
}

export function memberOf(exports: unknown, fn: Function): string | undefined {
  if (exports === fn) return '=';
  if ((typeof exports !== 'object' && typeof exports !== 'function') || exports === null) return undefined;
  for (const key of Object.keys(exports)) {
    try {
      // Compiled code exports through getters.
      if ((exports as Record<string, unknown>)[key] === fn) return key;
    } catch {
      // a getter that throws is not this function
    }
  }
  return undefined;
}

function exportedName(
  fn: Function,
  info: ModuleInfo,
  variables: Record<string, unknown>,
  inspection: Inspection,
  analysis: Analysis,
): string | undefined {
  for (const [exported, local] of info.exports) {
    try {
      if (variables[local] === fn) return exported;
    } catch {
      // not initialised yet
    }
  }
  const at = info.defaultExport;
  if (!at || analysis.anchor.line > 0) return undefined;
  const same = at.line === inspection.line && at.column === inspection.column - analysis.anchor.column;
  return same ? 'default' : undefined;
}

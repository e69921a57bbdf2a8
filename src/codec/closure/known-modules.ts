import { builtinModules } from 'node:module';
import { runInThisContext } from 'node:vm';
import type { ModuleRef } from './reading.js';

/** Where something that a loaded module exports can be imported from. */
export interface Exported {
  readonly module: ModuleRef;
  /** The exported name, dotted where it is deeper (`promises.readFile`), or '=' for the whole of a module. */
  readonly name: string;
}

const publicNames = new Set(builtinModules);
/** Loading these to look at them would warn. */
const avoided = /^(?:punycode|sys|wasi|sqlite|test.*|trace_events|_.*)$/;

const builtins = new Map<object, Exported>();
let seen = 0;

/** The exports objects of builtins, apart: they are looked for often, and cheap to list. */
const wholes = new Map<object, ModuleRef>();
let listed = 0;

/** Lists builtins that something in the process has loaded since the last time; never loads one. */
function listBuiltins(): void {
  for (const name of loadedSince(listed)) {
    const exports: unknown = process.getBuiltinModule(name);
    if (isObject(exports) && !wholes.has(exports)) wholes.set(exports, { specifier: `node:${name}` });
  }
  listed = loadList().length;
}

function loadList(): readonly string[] {
  return (process as { moduleLoadList?: readonly string[] }).moduleLoadList ?? builtinModules;
}

function loadedSince(count: number): string[] {
  return loadList()
    .slice(count)
    .map((entry) => entry.replace(/^NativeModule /, ''))
    .filter((name) => publicNames.has(name) && !avoided.test(name));
}

/** The builtin module whose exports object this is. */
export function builtinModule(value: object): ModuleRef | undefined {
  listBuiltins();
  return wholes.get(value);
}

/** Indexes builtins that something in the process has loaded since the last time; never loads one. */
function indexBuiltins(): void {
  const names = loadedSince(seen);
  seen = loadList().length;
  for (const name of names) indexBuiltin(name);
}

function indexBuiltin(name: string): void {
  const exports: unknown = process.getBuiltinModule(name);
  if (!isObject(exports)) return;
  const module = { specifier: `node:${name}` };
  add(exports, module, '=');
  indexMembers(exports, module, '', 2);
}

function indexMembers(holder: object, module: ModuleRef, prefix: string, depth: number): void {
  for (const [key, descriptor] of Object.entries(Object.getOwnPropertyDescriptors(holder))) {
    // Getters of builtins load or warn. A prototype's `constructor` leads back.
    if (!('value' in descriptor) || key.includes('.') || key === 'constructor' || key === 'super_') continue;
    const value: unknown = descriptor.value;
    if (!isObject(value)) continue;
    const known = builtins.has(value);
    if (
      typeof value !== 'function' &&
      key !== 'prototype' &&
      !/^(?:posix|win32|strict|promises|types)$/.test(key)
    ) {
      continue;
    }
    if (!known) add(value, module, prefix + key);
    if (depth > 0 && !known) indexMembers(value, module, `${prefix}${key}.`, depth - 1);
  }
}

function add(value: object, module: ModuleRef, name: string): void {
  if (!builtins.has(value)) builtins.set(value, { module, name });
}

function isObject(value: unknown): value is object {
  return (typeof value === 'object' || typeof value === 'function') && value !== null;
}

/** A builtin module's exports object, or something it exports, by identity. */
export function builtinExport(value: object): Exported | undefined {
  indexBuiltins();
  return builtins.get(value);
}

/** As {@link builtinExport}, for a function from `file` of Node's own: `fs.promises` never loads 'fs/promises'. */
export function builtinExportFrom(fn: Function, file: string): Exported | undefined {
  const name = file.replace(/^node:(?:internal\/)?/, '');
  if (publicNames.has(name) && !avoided.test(name)) indexBuiltin(name);
  return builtins.get(fn);
}

interface CachedModule {
  readonly filename: string;
  readonly loaded: boolean;
  readonly exports: unknown;
}

function cache(): Record<string, CachedModule | undefined> {
  // This realm's `require`: jest keeps a registry of its own behind it.
  realmRequire ??= process.getBuiltinModule('node:module').createRequire(ownPlace());
  return realmRequire.cache as unknown as Record<string, CachedModule | undefined>;
}

let realmRequire: NodeJS.Require | undefined;

let ownRequire: NodeJS.Require | undefined;

/**
 * Node's own `require`, from this package's place. Test runners put another in place of `node:module`; bundlers
 * leave `import.meta.url` empty in CommonJS output.
 */
export function nativeRequire(): NodeJS.Require {
  ownRequire ??= createNativeRequire(ownPlace());
  return ownRequire;
}

function ownPlace(): string {
  return (import.meta.url as string | undefined) ?? `${process.cwd()}/`;
}

/** The process object of the main context; test runners put a copy in place of the global. */
export function nativeProcess(): NodeJS.Process {
  return runInThisContext('process') as NodeJS.Process;
}

/** The main context's `Error`, whose settings hold where a context of a test runner has none. */
export function nativeError(): ErrorConstructor {
  return runInThisContext('Error') as ErrorConstructor;
}

export function createNativeRequire(from: string): NodeJS.Require {
  return nativeProcess().getBuiltinModule('node:module').createRequire(from);
}

/** The CommonJS module of a file, if `require` has it. */
export function cachedModule(path: string): CachedModule | undefined {
  return cache()[path];
}

let byValue = new Map<unknown, CachedModule>();
let indexed = -1;

/** The CommonJS module whose exports, or whose module object, `value` is. */
export function moduleExporting(value: object): CachedModule | undefined {
  const all = cache();
  const count = Object.keys(all).length;
  if (count !== indexed) {
    byValue = new Map();
    indexed = count;
    for (const module of Object.values(all)) {
      if (!module) continue;
      byValue.set(module.exports, module).set(module, module);
      // Its exports may still be replaced: look again next time.
      if (!module.loaded) indexed = -1;
    }
  }
  return byValue.get(value);
}

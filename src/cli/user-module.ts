/** The user's export, by name: workers import its module, this process never does. */
import { existsSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { exportByName, type ModuleRef, type Pool } from '../api/index.js';
import type { Content } from './records.js';
import { UsageError } from './usage.js';

export interface UserModule {
  /** As given, without the export. */
  readonly name: string;
  readonly export: string;
  readonly ref: ModuleRef;
  /** The module's file, where that is known. */
  readonly file: string | undefined;
}

/** What a worker is sent of a record: its number among all records, from 0, and what it holds. */
export type Item = Content & { readonly index: number };

/** The item's position in its operation, and the result as JSON. */
export type Answer = readonly [position: number, json: string];

/** `MODULE[#EXPORT]`: a path where it looks like one or there is such a file, else a package or builtin. */
export function userModule(given: string): UserModule {
  const hash = existsSync(given) ? -1 : given.lastIndexOf('#');
  const name = hash > 0 ? given.slice(0, hash) : given;
  const exported = hash > 0 ? given.slice(hash + 1) : 'default';
  if (exported === '') throw new UsageError(`${given}: the name of the export after # is missing`);
  if (/^(?:\.{0,2}[\\/]|[A-Za-z]:[\\/])/.test(name) || existsSync(name)) {
    const file = resolve(name);
    const stats = statSync(file, { throwIfNoEntry: false });
    if (stats === undefined) throw new UsageError(`${name}: there is no such module`);
    if (stats.isDirectory()) throw new UsageError(`${name} is a folder; name the module in it`);
    return { name, export: exported, ref: { specifier: pathToFileURL(file).href }, file };
  }
  if (name.startsWith('node:')) return { name, export: exported, ref: { specifier: name }, file: undefined };
  const here = resolve('simul-map.js');
  return {
    name,
    export: exported,
    ref: { specifier: name, from: pathToFileURL(here).href },
    file: find(name, here),
  };
}

/** Packages for `import` alone are not found this way; workers find them. */
function find(name: string, from: string): string | undefined {
  try {
    return createRequire(from).resolve(name);
  } catch {
    return undefined;
  }
}

/** Imports the module in a worker. @throws UsageError where that fails, or the export is no function. */
export async function checkExport(pool: Pool, module: UserModule, signal: AbortSignal): Promise<void> {
  let kinds: [string, string][];
  try {
    kinds = await pool.with({ signal }).run(exportsOf, exportByName(module.ref, '*') as unknown as object);
  } catch (error) {
    signal.throwIfAborted();
    const { cause } = error as { cause?: unknown };
    const why = cause instanceof Error ? cause : (error as Error);
    const notFound = (why as { code?: string }).code === 'ERR_MODULE_NOT_FOUND' && module.file === undefined;
    throw new UsageError(
      notFound && why.message.includes(`'${module.name}'`)
        ? `${module.name}: there is no such file here, and no such package`
        : `${module.name} cannot be imported: ${why.name}: ${why.message}`,
    );
  }
  const kind = kinds.find(([name]) => name === module.export)?.[1];
  if (kind === 'function') return;
  const functions = kinds.filter(([, type]) => type === 'function').map(([name]) => name);
  const there =
    functions.length > 0
      ? `functions it exports: ${functions.join(', ')}`
      : kinds.length > 0
        ? `it exports no function, only ${kinds.map(([name]) => name).join(', ')}`
        : 'it exports nothing';
  throw new UsageError(
    kind === undefined
      ? `${module.name} has no export ${JSON.stringify(module.export)}; ${there}`
      : `the export ${JSON.stringify(module.export)} of ${module.name} is no function; ${there}`,
  );
}

/** What can be named after #: exports, and where a compiler wrapped a CommonJS module, those inside. */
function exportsOf(namespace: object): [string, string][] {
  const kinds = new Map<string, string>();
  const whole = (namespace as { default?: unknown }).default;
  const wrapped = typeof whole === 'object' && whole !== null ? whole : {};
  for (const holder of [namespace, wrapped] as Record<string, unknown>[]) {
    for (const name of Object.keys(holder)) {
      if (name === '__esModule' || name === 'module.exports') continue;
      if (kinds.get(name) !== 'function') kinds.set(name, typeof holder[name]);
    }
  }
  return [...kinds];
}

type Namespace = Readonly<Record<string, unknown>>;
type UserFunction = (record: unknown, index: number) => unknown;

/** What workers run for a record. A result is made JSON there, so that its cost and its faults are the task's. */
export function recordFunction(
  module: UserModule,
): (item: Item, position: number) => Answer | Promise<Answer> {
  const namespace = exportByName(module.ref, '*') as unknown as Namespace;
  const name = module.export;
  // In functions of this one: they travel with it and its variables.
  const find = (): UserFunction => {
    const direct = namespace[name];
    return (
      typeof direct === 'function' ? direct : (namespace['default'] as Namespace)[name]
    ) as UserFunction;
  };
  const recordOf = (item: Item): unknown => {
    if ('value' in item) return item.value;
    if ('error' in item) throw new Error(item.error);
    try {
      return JSON.parse(item.json);
    } catch (error) {
      throw new SyntaxError(`it is not JSON: ${(error as Error).message}`);
    }
  };
  const later = async (result: unknown): Promise<string> => {
    const settled = await result;
    const { next } = (settled ?? {}) as { next?: unknown };
    if (typeof next !== 'function') return plainJson(settled);
    const values: unknown[] = [];
    for await (const value of settled as AsyncIterable<unknown>) values.push(value);
    return plainJson(values);
  };
  const comesLater = (result: unknown): boolean => {
    const { then, next } = (result ?? {}) as { then?: unknown; next?: unknown };
    return typeof then === 'function' || typeof next === 'function';
  };
  const plainJson = (result: unknown): string => {
    if (typeof result === 'function' || typeof result === 'symbol') {
      throw new TypeError(`the result is a ${typeof result}, which JSON cannot hold`);
    }
    return JSON.stringify(result) ?? 'null';
  };
  // Only errors come back with the place they belong to.
  const fault = (error: unknown): Error =>
    error instanceof Error ? error : new Error(`threw ${String(error)}`);
  // No promise where there is nothing to wait for: it would cost more than a small function does.
  return (item, position) => {
    try {
      const result = find()(recordOf(item), item.index);
      if (!comesLater(result)) return [position, plainJson(result)];
      return later(result).then(
        (json): Answer => [position, json],
        (error: unknown) => {
          throw fault(error);
        },
      );
    } catch (error) {
      throw fault(error);
    }
  };
}

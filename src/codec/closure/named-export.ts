import type { Exported } from './known-modules.js';
import type { ModuleRef } from './reading.js';

const named = new WeakMap<Function, Exported>();

/**
 * Stands for an export of a module that this side does not import: it travels as the name, and the worker has the
 * real one. `name` may be `'*'` for the module's namespace.
 */
export function exportByName(module: ModuleRef, name: string): Function {
  const stand = (): never => {
    throw new TypeError(`${name} of ${module.specifier} is there in workers only`);
  };
  named.set(stand, { module, name });
  return stand;
}

export function namedExport(fn: Function): Exported | undefined {
  return named.get(fn);
}

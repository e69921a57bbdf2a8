/** Functions that the other side has: they travel by name. */
import { intrinsicPath } from './intrinsics.js';
import { builtinExport } from './known-modules.js';
import { namedExport } from './named-export.js';
import type { Reading } from './reading.js';
import { selfName, selfSpecifier } from './self.js';

/** What was given a name of its own: this package's functions, exports that stand for a worker's. */
export function readNamed(fn: Function): Reading | undefined {
  const self = selfName(fn);
  if (self !== undefined) return { kind: 'export', module: { specifier: selfSpecifier }, name: self };
  const named = namedExport(fn);
  return named && { kind: 'export', module: named.module, name: named.name };
}

/** What every thread of Node has. */
export function readPlatform(fn: Function): Reading | undefined {
  const path = intrinsicPath(fn);
  if (path !== undefined) return { kind: 'intrinsic', path };
  const builtin = builtinExport(fn);
  return builtin && { kind: 'export', module: builtin.module, name: builtin.name };
}

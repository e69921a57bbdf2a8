import { createHash } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { dirname, join, resolve, sep } from 'node:path';

/** A file of the user's program, and the hash of what is in it. */
export interface ModuleFile {
  readonly file: string;
  readonly hash: string;
}

/** `from './x'`, `import './x'`, `import('./x')`, `require('./x')`. In a comment or a text it does no harm. */
const SPECIFIER = /\b(?:from|import|require)\s*\(?\s*(['"`])(\.{1,2}\/[^'"`\n]*)\1/g;
const ENDINGS = ['', '.ts', '.mts', '.cts', '.tsx', '.js', '.mjs', '.cjs', '.jsx', '.json'];
/** What compilers let TypeScript files be imported as. */
const COMPILED = /\.([mc]?)js(x?)$/;

/** The module and what it imports by relative paths, and so on, packages left out; the module first, then by name. */
export function moduleFiles(module: string): ModuleFile[] {
  const found = new Map<string, ModuleFile>();
  const open = [module];
  for (let file = open.pop(); file !== undefined; file = open.pop()) {
    if (found.has(file)) continue;
    const bytes = readFileSync(file);
    found.set(file, { file, hash: createHash('sha256').update(bytes).digest('hex') });
    if (/\.(?:json|node|wasm)$/.test(file)) continue;
    for (const [, , specifier] of bytes.toString().matchAll(SPECIFIER)) {
      const imported = fileOf(resolve(dirname(file), specifier!.replace(/[?#].*$/, '')));
      if (imported !== undefined && !imported.includes(`${sep}node_modules${sep}`)) open.push(imported);
    }
  }
  const [first, ...rest] = found.values();
  return [first!, ...rest.sort((a, b) => (a.file < b.file ? -1 : 1))];
}

function fileOf(path: string): string | undefined {
  const candidates = [
    ...ENDINGS.map((ending) => path + ending),
    path.replace(COMPILED, '.$1ts$2'),
    ...ENDINGS.map((ending) => join(path, `index${ending}`)),
  ];
  return candidates.find((file) => statSync(file, { throwIfNoEntry: false })?.isFile() === true);
}

/** Where TypeScript's ways of naming modules lead: no ending, `.js` for `.ts`, a folder's index. */
import { statSync } from 'node:fs';
import { fileURLToPath, pathToFileURL } from 'node:url';

const ENDINGS = ['.ts', '.tsx', '.mts', '.cts', '.js', '.mjs', '.cjs', '.json'];
const WRITTEN: Record<string, readonly string[]> = {
  '.js': ['.ts', '.tsx'],
  '.jsx': ['.tsx'],
  '.mjs': ['.mts'],
  '.cjs': ['.cts'],
};

export function isTypeScript(name: string): boolean {
  return /\.[mc]?tsx?(?:[?#].*)?$/.test(name) && !/\.d\.[mc]?ts$/.test(name);
}

/** The URL of the file that a specifier of a TypeScript module means, where plain resolution finds none. */
export function resolveLoosely(specifier: string, parent: string | undefined): string | undefined {
  if (parent === undefined || !/^(?:\.{1,2}\/|\/|file:)/.test(specifier)) return undefined;
  const base = new URL(specifier, parent);
  if (base.protocol !== 'file:') return undefined;
  const path = fileURLToPath(base);
  const candidates: string[] = [];
  for (const [written, meant] of Object.entries(WRITTEN)) {
    if (path.endsWith(written))
      candidates.push(...meant.map((ending) => path.slice(0, -written.length) + ending));
  }
  candidates.push(
    ...ENDINGS.map((ending) => path + ending),
    ...ENDINGS.map((ending) => `${path}/index${ending}`),
  );
  const found = candidates.find(isFile);
  return found === undefined ? undefined : pathToFileURL(found).href;
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() === true;
}

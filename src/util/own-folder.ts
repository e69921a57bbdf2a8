/** Where this package's code lies, which is in a few files as published and in one a module as its own tests see it. */
import { existsSync } from 'node:fs';
import { dirname, sep } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

/** As published, beside all other code; and from a folder of one module each. */
const ENTRIES = ['./thread-entry.cjs', '../thread-entry.js'];

let entry: string | null | undefined;

/** The file that worker threads begin with; undefined where a bundler has left none beside the code. */
export function threadEntry(): string | undefined {
  entry ??= find() ?? null;
  return entry ?? undefined;
}

function find(): string | undefined {
  try {
    return ENTRIES.map((name) => new URL(name, import.meta.url))
      .filter(({ protocol }) => protocol === 'file:')
      .map((url) => fileURLToPath(url))
      .find((file) => existsSync(file));
  } catch {
    // Code without a place of its own, in a bundle.
    return undefined;
  }
}

/**
 * The folder of this package's code, as a path and as a URL, each with what separates it from names in it. Undefined in
 * a bundle: there the user's code lies in the same file.
 */
export function ownFolder(): { readonly path: string; readonly url: string } | undefined {
  const file = threadEntry();
  if (file === undefined) return undefined;
  const path = dirname(file) + sep;
  return { path, url: pathToFileURL(path).href };
}

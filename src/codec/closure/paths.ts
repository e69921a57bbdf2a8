import { fileURLToPath } from 'node:url';

const limit = 1000;
/** To take a URL apart takes longer than to read a closure should. */
const paths = new Map<string, string | undefined>();

/** The path of a `file:` URL or absolute path, without query; undefined for anything else. */
export function pathOf(file: string): string | undefined {
  if (file.startsWith('file:')) {
    if (!paths.has(file)) {
      if (paths.size >= limit) paths.clear();
      paths.set(file, pathOfUrl(file));
    }
    return paths.get(file);
  }
  return file.startsWith('/') || /^[A-Za-z]:[\\/]/.test(file) ? file : undefined;
}

function pathOfUrl(url: string): string | undefined {
  try {
    return fileURLToPath(url.replace(/[?#].*$/s, ''));
  } catch {
    return undefined;
  }
}

export function isTypeScript(file: string): boolean {
  return /\.[cm]?tsx?(?:[?#]|$)/.test(file);
}

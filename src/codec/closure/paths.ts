import { fileURLToPath } from 'node:url';

/** The path of a `file:` URL or absolute path, without query; undefined for anything else. */
export function pathOf(file: string): string | undefined {
  if (file.startsWith('file:')) {
    try {
      return fileURLToPath(file.replace(/[?#].*$/s, ''));
    } catch {
      return undefined;
    }
  }
  return file.startsWith('/') || /^[A-Za-z]:[\\/]/.test(file) ? file : undefined;
}

export function isTypeScript(file: string): boolean {
  return /\.[cm]?tsx?(?:[?#]|$)/.test(file);
}

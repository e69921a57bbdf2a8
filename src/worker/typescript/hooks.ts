/** Loader hooks. The same functions serve `module.registerHooks` (in thread) and `module.register` (beside it). */
import { fileURLToPath } from 'node:url';
import { isTypeScript, resolveLoosely } from './resolve.js';
import { transformFile } from './transform.js';

interface ResolveContext {
  readonly parentURL?: string | undefined;
}

interface Resolved {
  readonly url: string;
  readonly format?: string | null;
  readonly shortCircuit?: boolean;
}

interface Loaded {
  readonly format: string;
  readonly source?: unknown;
  readonly shortCircuit?: boolean;
}

const NOT_FOUND = new Set(['ERR_MODULE_NOT_FOUND', 'MODULE_NOT_FOUND', 'ERR_UNSUPPORTED_DIR_IMPORT']);

function looser(error: unknown, specifier: string, context: ResolveContext): Resolved {
  if (NOT_FOUND.has((error as { code?: string }).code ?? '')) {
    const url = resolveLoosely(specifier, context.parentURL);
    if (url !== undefined) return { url, shortCircuit: true };
  }
  throw error;
}

function owned(url: string): boolean {
  return url.startsWith('file:') && isTypeScript(url) && !url.includes('/node_modules/');
}

function transformed(url: string): Loaded {
  const clean = new URL(url);
  clean.search = '';
  clean.hash = '';
  return { ...transformFile(fileURLToPath(clean)), shortCircuit: true };
}

export async function resolve(
  specifier: string,
  context: ResolveContext,
  next: (specifier: string, context: ResolveContext) => Promise<Resolved>,
): Promise<Resolved> {
  try {
    return await next(specifier, context);
  } catch (error) {
    return looser(error, specifier, context);
  }
}

export async function load(
  url: string,
  context: unknown,
  next: (url: string, context: unknown) => Promise<Loaded>,
): Promise<Loaded> {
  return owned(url) ? transformed(url) : next(url, context);
}

export const syncHooks = {
  resolve(
    specifier: string,
    context: ResolveContext,
    next: (specifier: string, context: ResolveContext) => Resolved,
  ): Resolved {
    try {
      return next(specifier, context);
    } catch (error) {
      return looser(error, specifier, context);
    }
  },
  load(url: string, context: unknown, next: (url: string, context: unknown) => Loaded): Loaded {
    return owned(url) ? transformed(url) : next(url, context);
  },
};

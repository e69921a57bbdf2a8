import nodeModule from 'node:module';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { syncHooks } from './hooks.js';
import { resolveLoosely } from './resolve.js';
import { transformFile } from './transform.js';

type WithHooks = typeof nodeModule & { registerHooks?: (hooks: typeof syncHooks) => void };

interface CommonModule {
  _compile(source: string, file: string): void;
}
type Extensions = Record<string, (module: CommonModule, file: string) => void>;
interface CommonLoader {
  _extensions: Extensions;
  _resolveFilename(request: string, parent: { filename?: string } | undefined, ...rest: unknown[]): string;
}

let installed = false;

/**
 * Makes TypeScript modules load in this thread, whatever they use: enums, decorators, imports without endings. Does
 * nothing where ts-node does it already (tsx leaves the workers of Node 20 alone). Called before the first such module is imported.
 *
 * @throws EngineError, at the import, where the package oxc-transform is missing.
 */
export function installTypeScript(): void {
  if (installed) return;
  installed = true;
  if (Symbol.for('ts-node.register.instance') in process) return;
  process.setSourceMapsEnabled(true);
  const { registerHooks } = nodeModule as WithHooks;
  if (registerHooks !== undefined) {
    registerHooks(syncHooks);
    return;
  }
  // Node 20: hooks live in a thread of their own and do not see require().
  nodeModule.register(new URL('./hooks.js', import.meta.url));
  const loader = nodeModule as unknown as CommonLoader;
  for (const ending of ['.ts', '.cts', '.tsx']) {
    loader._extensions[ending] = (target, file) => target._compile(transformFile(file).source, file);
  }
  const plain = loader._resolveFilename;
  loader._resolveFilename = function (request, parent, ...rest) {
    try {
      return plain.call(this, request, parent, ...rest);
    } catch (error) {
      const from = parent?.filename === undefined ? undefined : pathToFileURL(parent.filename).href;
      const url = resolveLoosely(request, from);
      if (url === undefined) throw error;
      return fileURLToPath(url);
    }
  };
}

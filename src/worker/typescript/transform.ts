/** TypeScript to JavaScript, with a source map inside, so that stacks point at the user's lines. */
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { EngineError } from '../../errors.js';

type Oxc = typeof import('oxc-transform');
let oxc: Oxc | undefined;

function load(): Oxc {
  try {
    oxc ??= createRequire(import.meta.url)('oxc-transform') as Oxc;
    return oxc;
  } catch (cause) {
    throw new EngineError(
      'a TypeScript module cannot be loaded in a worker: the package oxc-transform is not installed',
      {
        cause,
      },
    );
  }
}

export interface Transformed {
  readonly source: string;
  readonly format: 'module' | 'commonjs';
}

export function transformFile(path: string): Transformed {
  const text = readFileSync(path, 'utf8');
  const legacy = usesLegacyDecorators(dirname(path));
  const { code, map, errors } = load().transformSync(path, text, {
    sourcemap: true,
    sourceType: 'unambiguous',
    target: 'es2022',
    ...(legacy ? { decorator: { legacy: true } } : {}),
  });
  const failed = errors.find(({ severity }) => severity === 'Error');
  if (failed !== undefined) throw new SyntaxError(`${path}: ${failed.message}`);
  const inline =
    map === undefined
      ? ''
      : `\n//# sourceMappingURL=data:application/json;base64,${Buffer.from(JSON.stringify(map)).toString('base64')}`;
  return { source: code + inline, format: formatOf(path, code) };
}

/** By ending, then by the package's type, then by what the source uses. */
function formatOf(path: string, code: string): 'module' | 'commonjs' {
  if (path.endsWith('.mts')) return 'module';
  if (path.endsWith('.cts')) return 'commonjs';
  if (packageType(dirname(path)) === 'module') return 'module';
  return /^\s*(?:import\b(?!\s*\()|export\b)/m.test(code) || /\bimport\.meta\b/.test(code)
    ? 'module'
    : 'commonjs';
}

function packageType(folder: string): string | undefined {
  const file = nearest(folder, 'package.json');
  if (file === undefined) return undefined;
  try {
    return (JSON.parse(readFileSync(file, 'utf8')) as { type?: string }).type;
  } catch {
    return undefined;
  }
}

const decorators = new Map<string, boolean>();

/** tsconfig.json may hold comments: only the one setting is looked for. */
function usesLegacyDecorators(folder: string): boolean {
  let legacy = decorators.get(folder);
  if (legacy === undefined) {
    const file = nearest(folder, 'tsconfig.json');
    legacy = file !== undefined && /"experimentalDecorators"\s*:\s*true/.test(readFileSync(file, 'utf8'));
    decorators.set(folder, legacy);
  }
  return legacy;
}

function nearest(folder: string, name: string): string | undefined {
  for (let at = folder; ; at = dirname(at)) {
    const file = join(at, name);
    if (existsSync(file)) return file;
    if (dirname(at) === at) return undefined;
  }
}

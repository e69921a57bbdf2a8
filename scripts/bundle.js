// Puts the modules of a folder into few files: what a program loads at its start is read in one go, and what only some
// programs need (reading closures, the API inside a worker, TypeScript) lies in files of its own, loaded at first use.
// The files are CommonJS (commonjs.js): those load at once, in the middle of a call, and a worker thread that begins
// with one is there sooner. What the package shows to the world are ES modules (build.js).
import { basename, dirname, join, relative } from 'node:path';
import { build } from 'esbuild';
import { toCommonJs } from './commonjs.js';

/** Modules that are loaded when one of these functions is first called. */
const LATE = {
  'codec/closure/read-function.js': ['readFunction', 'isNativeRefusal', 'stableReading', 'weightOf'],
  'codec/data/private-names.js': ['privateNames'],
  'worker/typescript/index.js': ['installTypeScript'],
  'self-by-name.js': ['selfByName'],
  'transport/process.js': ['startProcess'],
  'transport/shared-memory.js': ['sharedMemory'],
  'worker/process-channel.js': ['openProcess', 'tellOfDeath'],
  'worker/socket-reader.js': ['startReader'],
};
/** Builtins that cost up to a millisecond and that most threads never use. */
const LATE_BUILTINS = ['node:crypto', 'node:os', 'node:v8'];
/** Needed by every thread: one file. What else several files need is a second one. */
const CORE = ['errors.js', 'codec/index.js', 'worker/index.js', 'util/own-folder.js'];

export const common = {
  bundle: true,
  write: false,
  platform: 'node',
  target: 'node20',
  packages: 'external',
  logLevel: 'warning',
};

/** The files that `entries` (modules of the folder `from`, without their ending) come to: their names and texts. */
export async function bundle(from, entries) {
  const { outputFiles, metafile } = await build({
    ...common,
    absWorkingDir: from,
    entryPoints: entries.map((name) => ({ in: `whole:${name}.js`, out: name })),
    chunkNames: '[hash]',
    outdir: from,
    splitting: true,
    metafile: true,
    format: 'esm',
    plugins: [parts],
  });
  const names = new Map();
  for (const [path, { inputs, entryPoint }] of Object.entries(metafile.outputs)) {
    const entry = entryPoint?.slice('whole:'.length).replace(/\.js$/, '');
    names.set(path, `${entries.includes(entry) ? entry : fileName(entry, inputs)}.cjs`);
  }
  if (new Set(names.values()).size < names.size) {
    throw new Error(`files of one name: ${[...names.values()].join(', ')}`);
  }
  return outputFiles.map(({ path, text }) => {
    const inner = path.slice(from.length + 1);
    const name = names.get(inner);
    const resolve = (specifier) => {
      const path = relative(dirname(name), names.get(join(dirname(inner), specifier)));
      return path.startsWith('.') ? path : `./${path}`;
    };
    return { name, ...toCommonJs(text, resolve, MARK) };
  });
}

/** What is there anyway where `path` is loaded: it is not to be divided further for its sake. */
function beside(path) {
  if (path.startsWith('progress/')) return [];
  return /^(?:cli|transport)\//.test(path) ? [...CORE, 'index.js'] : CORE;
}

/** Of a file that is loaded late, or that several others need. */
function fileName(entry, inputs) {
  if (entry === undefined) {
    if (Object.hasOwn(inputs, 'errors.js')) return 'core';
    return Object.hasOwn(inputs, 'worker/pipe.js') ? 'pipe' : 'api';
  }
  return basename(entry.replace(/\/index$/, ''));
}

function functionsOf(builtin) {
  const exports = process.getBuiltinModule(builtin);
  return Object.keys(exports).filter((name) => /^[a-z]/.test(name) && typeof exports[name] === 'function');
}

const MARK = '__late';

const parts = {
  name: 'parts',
  setup(build) {
    const from = build.initialOptions.absWorkingDir;
    const shim = (names, load) =>
      names.map((name) => `export const ${name} = (...args) => ${load}.${name}(...args);`).join('\n');
    const virtual = (namespace, contents) =>
      build.onLoad({ filter: /.*/, namespace }, ({ path }) => ({
        contents: contents(path),
        resolveDir: from,
      }));

    build.onResolve({ filter: /^whole:/ }, ({ path }) => ({
      path: path.slice('whole:'.length),
      namespace: 'whole',
    }));
    virtual('whole', (path) =>
      [...beside(path).map((name) => `import './${name}';`), `export * from './${path}';`].join('\n'),
    );

    build.onResolve({ filter: /\.js$/ }, ({ path, resolveDir, namespace }) => {
      const inner = join(resolveDir, path).slice(from.length + 1);
      if (inner === 'thread-source.js') return { path: './thread-source.js', external: true };
      return Object.hasOwn(LATE, inner) && namespace !== 'whole'
        ? { path: inner, namespace: 'late' }
        : undefined;
    });
    virtual('late', (path) => shim(LATE[path], `${MARK}(import('whole:${path}'))`));

    build.onResolve({ filter: /^node:/ }, ({ path }) =>
      LATE_BUILTINS.includes(path) ? { path, namespace: 'late-builtin' } : undefined,
    );
    virtual('late-builtin', (path) => shim(functionsOf(path), `process.getBuiltinModule('${path}')`));
  },
};

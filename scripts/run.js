// What the other scripts share: the root of the project and how to run a tool.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = join(dirname(fileURLToPath(import.meta.url)), '..');
/** The sources compiled to a file a module; scripts/build.js says what for. */
export const modules = join(root, '.cache/build');
export const require = createRequire(import.meta.url);

/** Runs a program to its end and ends this one with its status where that is not 0. */
export function run(command, args, options = {}) {
  const { status, signal } = spawnSync(command, args, { stdio: 'inherit', cwd: root, ...options });
  if (signal !== null) process.kill(process.pid, signal);
  if (status !== 0) process.exit(status ?? 1);
}

export const node = (args, options) => run(process.execPath, args, options);

export const tsc = (project) => node([require.resolve('typescript/bin/tsc'), '-p', join(root, project)]);

/** All files below a folder. */
export function* files(folder) {
  if (!existsSync(folder)) return;
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) yield* files(path);
    else yield path;
  }
}

export function newest(folder) {
  let time = 0;
  for (const file of files(folder)) time = Math.max(time, statSync(file).mtimeMs);
  return time;
}

/** True where dist/ is older than the sources. */
export function isStale() {
  const built = join(root, 'dist/index.js');
  return !existsSync(built) || statSync(built).mtimeMs < newest(join(root, 'src'));
}

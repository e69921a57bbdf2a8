/**
 * The SHA-256 of every file below a folder, in the form that `sha256sum --check` reads. Results come in order while later
 * files are still being read; a file that cannot be read does not stop the others.
 *
 * node scripts/example.js hash-folder [folder]     by default, the folder of the package itself
 */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { stream } from 'simul';

const folder = process.argv[2] ?? dirname(fileURLToPath(import.meta.resolve('simul')));
const paths = readdirSync(folder, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile())
  .map((entry) => relative('.', join(entry.parentPath, entry.name)))
  .sort();

function hash(path: string): { sum: string; bytes: number } {
  const content = readFileSync(path);
  return { sum: createHash('sha256').update(content).digest('hex'), bytes: content.length };
}

let at = 0;
let bytes = 0;
for await (const result of stream(paths, hash, { onError: 'settle' })) {
  const path = paths[at++];
  if (result.status === 'fulfilled') {
    console.log(`${result.value.sum}  ${path}`);
    bytes += result.value.bytes;
  } else {
    console.error(`${path}: ${(result.reason as Error).message}`);
    process.exitCode = 1;
  }
}
console.error(`${paths.length} files, ${bytes} bytes`);

/** A measurement that needs a process of its own: runs a file of workers/, which prints one number. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

export function child(file: string, ...args: string[]): number {
  const path = fileURLToPath(new URL(`./workers/${file}`, import.meta.url));
  const { status, stdout, stderr } = spawnSync(process.execPath, [path, ...args], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${file} ${args.join(' ')}: ${stderr}`);
  return Number(stdout);
}

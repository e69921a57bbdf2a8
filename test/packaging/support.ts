/** Packs the tarball, installs it as a user does, and runs programs beside it. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdirSync, realpathSync, rmSync } from 'node:fs';
import { cp, mkdir, mkdtemp, readFile, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = join(dirname(fileURLToPath(import.meta.url)), '../../..');
export const fixtures = join(root, 'test/packaging/fixtures');
export const nodeMajor = Number(process.versions.node.split('.')[0]);

export interface Ran {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly cwd: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** Runs a program to its end; one that has not ended after a minute is killed and fails. */
export function execute(command: string, args: readonly string[], { cwd, env }: RunOptions): Promise<Ran> {
  // The flags and marks of the test runner above are not the program's.
  const { NODE_OPTIONS, NODE_TEST_CONTEXT, NODE_V8_COVERAGE, ...own } = process.env;
  const child = spawn(command, args, { cwd, env: { ...own, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  const out = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (text: string) => {
      out[name] += text;
    });
  }
  const timer = setTimeout(() => {
    out.stderr += '\n[killed: it did not end within a minute]\n';
    child.kill('SIGKILL');
  }, 60_000);
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => {
      clearTimeout(timer);
      resolve({ code, ...out });
    });
  });
}

export const node = (args: readonly string[], options: RunOptions): Promise<Ran> =>
  execute(process.execPath, args, options);

/** Runs a program that must exit with 0. */
export async function succeed(command: string, args: readonly string[], options: RunOptions): Promise<Ran> {
  const ran = await execute(command, args, options);
  assert.equal(ran.code, 0, `${command} ${args.join(' ')}\n${ran.stdout}\n${ran.stderr}`);
  return ran;
}

const folders: string[] = [];
process.on('exit', () => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

/** A folder of this test file's own, outside the checkout, removed at the end. */
export async function scratch(): Promise<string> {
  const folder = realpathSync(await mkdtemp(join(tmpdir(), 'simul-package-')));
  folders.push(folder);
  return folder;
}

/** The tarball, as `npm publish` would send it. The build has run already; scripts would run it again. */
export async function pack(folder: string): Promise<string> {
  const { stdout } = await succeed(
    'npm',
    ['pack', '--ignore-scripts', '--json', '--pack-destination', folder],
    {
      cwd: root,
    },
  );
  const listed = JSON.parse(stdout) as [{ filename: string }] | Record<string, { filename: string }>;
  return join(folder, Object.values(listed)[0]!.filename);
}

export type Files = Readonly<Record<string, string>>;

export async function write(folder: string, files: Files): Promise<void> {
  for (const [name, text] of Object.entries(files)) {
    const path = join(folder, name);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, text);
  }
}

export interface ProjectOptions {
  readonly type: 'module' | 'commonjs';
  readonly files: Files;
  /** Packages of the checkout that the project uses as its own. */
  readonly tools?: readonly string[];
}

/**
 * A folder with the packed package in its node_modules, by a true `npm install`: its dependencies are those it
 * declares and no others. Projects are folders in it; what else they use lies in node_modules of their own.
 */
export class Home {
  readonly folder: string;

  private constructor(folder: string) {
    this.folder = folder;
  }

  static async install(): Promise<Home> {
    const folder = await scratch();
    await write(folder, { 'package.json': '{ "name": "home", "private": true }\n' });
    const tarball = await pack(folder);
    await succeed('npm', ['install', '--prefer-offline', '--no-audit', '--no-fund', tarball], {
      cwd: folder,
    });
    await cp(join(fixtures, 'packages'), join(folder, 'node_modules'), { recursive: true });
    return new Home(folder);
  }

  async project(name: string, { type, files, tools = [] }: ProjectOptions): Promise<string> {
    const folder = join(this.folder, name);
    const settings = { name, private: true, type };
    await write(folder, { 'package.json': `${JSON.stringify(settings, null, 2)}\n`, ...files });
    for (const tool of tools) {
      const link = join(folder, 'node_modules', tool);
      mkdirSync(dirname(link), { recursive: true });
      await symlink(join(root, 'node_modules', tool), link, 'junction');
    }
    return folder;
  }
}

/** The file that a package's `bin` names. */
export async function bin(tool: string, name = tool): Promise<string> {
  const folder = join(root, 'node_modules', tool);
  const { bin: entry } = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')) as {
    bin: string | Record<string, string>;
  };
  return join(folder, typeof entry === 'string' ? entry : entry[name]!);
}

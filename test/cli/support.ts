/** What the tests of the command line share: a scratch folder, and the command run in it. */
import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';

export const main = fileURLToPath(new URL('../../../dist/cli/main.js', import.meta.url));

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Started {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
}

/** A folder for one test, removed after it. */
export class Scratch {
  readonly folder: string;

  constructor(test: TestContext) {
    this.folder = mkdtempSync(join(tmpdir(), 'simul-cli-'));
    test.after(() => rmSync(this.folder, { recursive: true, force: true }));
  }

  path(name: string): string {
    return join(this.folder, name);
  }

  write(files: Readonly<Record<string, string>>): void {
    for (const [name, text] of Object.entries(files)) writeFileSync(this.path(name), text);
  }

  read(name: string): string {
    return readFileSync(this.path(name), 'utf8');
  }

  start(args: readonly string[], options: SpawnOptions & { nodeArgs?: readonly string[] } = {}): Started {
    const { nodeArgs = [], ...rest } = options;
    const child = spawn(process.execPath, [...nodeArgs, main, ...args], {
      cwd: this.folder,
      stdio: ['ignore', 'pipe', 'pipe'],
      ...rest,
      env: { ...process.env, SIMUL_WORKERS: '2', ...rest.env },
    });
    let stdout = '';
    let stderr = '';
    child.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
      stdout += chunk;
    });
    child.stderr?.setEncoding('utf8').on('data', (chunk: string) => {
      stderr += chunk;
    });
    const ended = new Promise<Ended>((resolve) => {
      child.on('close', (code, signal) => resolve({ code, signal, stdout, stderr }));
    });
    return { child, ended };
  }

  run(args: readonly string[], input?: string): Promise<Ended> {
    const { child, ended } = this.start(args, {
      stdio: [input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
    });
    child.stdin?.end(input);
    return ended;
  }

  /** `simul map` without progress. */
  map(args: readonly string[], input?: string): Promise<Ended> {
    return this.run(['map', '--progress', 'never', ...args], input);
  }
}

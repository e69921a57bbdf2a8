/** A Python that does what a line says, and says what came of it. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

/** `Python 3.11.7`; undefined where there is none. */
export function pythonVersion(): string | undefined {
  const { status, stdout } = spawnSync('python3', ['--version'], { encoding: 'utf8' });
  return status === 0 ? stdout.trim() : undefined;
}

export class Python {
  readonly #process;
  readonly #lines;

  /** The program reads lines, and prints one number for each. */
  constructor(program: string) {
    this.#process = spawn('python3', ['-c', program], { stdio: ['pipe', 'pipe', 'inherit'] });
    this.#lines = createInterface({ input: this.#process.stdout })[Symbol.asyncIterator]();
  }

  async ask(what: string): Promise<number> {
    this.#process.stdin.write(`${what}\n`);
    const { value, done } = await this.#lines.next();
    if (done === true) throw new Error('Python has ended');
    return Number(value);
  }

  async close(): Promise<void> {
    this.#process.stdin.end();
    await once(this.#process, 'close');
  }
}

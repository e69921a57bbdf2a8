import { fstatSync, write as fsWrite, fsync, ftruncate, openSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { reasonOf } from './records.js';
import { UsageError } from './usage.js';

const writeSome = promisify(fsWrite);
const truncate = promisify(ftruncate);
const synchronize = promisify(fsync);

/** The output cannot be written any more. */
export class OutputError extends Error {}

/** Whoever read standard output has gone. */
export class ReaderGone extends Error {}

/** Where bytes go, at its end. Writes go through the thread pool, also those to pipes: see the folder's README. */
export class OutputFile {
  readonly #fd: number;
  readonly #name: string;

  private constructor(fd: number, name: string) {
    this.#fd = fd;
    this.#name = name;
  }

  static standard(): OutputFile {
    return new OutputFile(1, 'standard output');
  }

  /** An empty file. @throws UsageError */
  static create(file: string): OutputFile {
    return OutputFile.#open(file, 'w');
  }

  /** A file that was written before. @throws UsageError */
  static reopen(file: string): OutputFile {
    return OutputFile.#open(file, 'r+');
  }

  static #open(file: string, flags: string): OutputFile {
    try {
      return new OutputFile(openSync(file, flags), file);
    } catch (error) {
      throw new UsageError(`${file}: the output cannot be opened: ${reasonOf(error)}`);
    }
  }

  get isFile(): boolean {
    return fstatSync(this.#fd).isFile();
  }

  get size(): number {
    return fstatSync(this.#fd).size;
  }

  /** Drops what is behind `length` bytes; the next write goes there. @throws OutputError */
  async cut(length: number): Promise<void> {
    await this.#attempt(() => truncate(this.#fd, length));
  }

  /** Writes it all, at `position` in a file, or behind what was written before. @throws OutputError, ReaderGone */
  async write(bytes: Uint8Array, position: number | null): Promise<void> {
    let from = 0;
    while (from < bytes.length) {
      const at = position === null ? null : position + from;
      from += await this.#attempt(async () => {
        const { bytesWritten } = await writeSome(this.#fd, bytes, from, bytes.length - from, at);
        return bytesWritten;
      });
    }
  }

  /** Waits until the disk has what was written. @throws OutputError */
  async sync(): Promise<void> {
    await this.#attempt(() => synchronize(this.#fd));
  }

  async #attempt<T>(act: () => Promise<T>): Promise<T> {
    for (;;) {
      try {
        return await act();
      } catch (error) {
        const { code } = error as { code?: string };
        if (code === 'EPIPE' && this.#fd === 1)
          throw new ReaderGone('the reader of standard output has gone');
        if (code !== 'EAGAIN') {
          throw new OutputError(`${this.#name}: the output cannot be written: ${reasonOf(error)}`);
        }
        // A pipe that someone else has made non-blocking is full; nothing tells when it is not.
        await sleep(5);
      }
    }
  }
}

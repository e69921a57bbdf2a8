/**
 * What is done and what is written of it: the only writer of output and journal. Everything a checkpoint says is
 * taken in one synchronous step, so output and journal agree after a kill at any moment; the folder's README says how.
 */
import { DoneSet } from './done-set.js';
import type { Checkpoint, Journal } from './journal.js';
import type { OutputFile } from './output-file.js';
import type { OutputFormat } from './output-format.js';

/** Most characters of output that wait to be written before `add` asks to wait. */
const BUFFER = 128 * 1024;
/** Longest time for results to wait, in ms: shorter where somebody may be reading along. */
const WRITE_INTERVAL = 25;
const CHECKPOINT_INTERVAL = 250;

export class Ledger {
  readonly done: DoneSet;
  written: number;
  failed: number;
  readonly #format: OutputFormat;
  readonly #output: OutputFile;
  readonly #journal: Journal | undefined;
  readonly #broken: (error: unknown) => void;
  readonly #interval: number;
  #buffer: string[] = [];
  #buffered = 0;
  /** Bytes of output that are written. */
  #length: number;
  /** Something is done that no write, and no checkpoint, knows of yet. */
  #dirty = false;
  /** The next pass has to end with a checkpoint. */
  #due = false;
  #error: { readonly error: unknown } | undefined;
  #writing: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;

  /** `broken` is told of an error of a write that nobody waits for. */
  constructor(
    output: OutputFile,
    format: OutputFormat,
    journal: Journal | undefined,
    from: Checkpoint | undefined,
    broken: (error: unknown) => void,
  ) {
    this.#output = output;
    this.#format = format;
    this.#journal = journal;
    this.#broken = broken;
    this.#interval = journal === undefined ? WRITE_INTERVAL : CHECKPOINT_INTERVAL;
    this.done = new DoneSet(from?.done);
    this.written = from?.written ?? 0;
    this.failed = from?.failed ?? 0;
    this.#length = from?.length ?? 0;
    if (from === undefined) journal?.save(this.#checkpoint(false));
  }

  /** Record `index` gave this result. @throws Error, and records nothing, where the output cannot hold it. */
  add(index: number, json: string): void {
    this.#append(this.#format.add(json, this.written));
    this.written += 1;
    this.done.add(index);
    this.#changed();
  }

  fail(index: number): void {
    this.failed += 1;
    this.done.add(index);
    this.#changed();
  }

  /** What to wait for before the next result; undefined where there is room for it. */
  room(): Promise<void> | undefined {
    return this.#buffered < BUFFER ? undefined : this.#kick();
  }

  /** Writes what there is, with a checkpoint. */
  flush(): Promise<void> {
    this.#due = true;
    return this.#kick();
  }

  /** All records are done: ends the output. */
  async end(): Promise<void> {
    await this.flush();
    this.#append(this.#format.end(this.written));
    await this.#write(this.#take());
    if (this.#journal === undefined) return;
    await this.#output.sync();
    this.#journal.save(this.#checkpoint(true));
  }

  #append(text: string): void {
    if (text === '') return;
    this.#buffer.push(text);
    this.#buffered += text.length;
  }

  #changed(): void {
    this.#dirty = true;
    if (this.#timer !== undefined) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.flush().catch(this.#broken);
    }, this.#interval);
  }

  #kick(): Promise<void> {
    this.#writing ??= this.#passes();
    return this.#writing;
  }

  /** One pass, and another where a checkpoint fell due meanwhile. */
  async #passes(): Promise<void> {
    try {
      do await this.#pass();
      while (this.#due && this.#dirty);
    } finally {
      this.#writing = undefined;
    }
  }

  async #pass(): Promise<void> {
    // Bytes that could not be written are lost: nothing after them may be written, or be said to be.
    if (this.#error !== undefined) throw this.#error.error;
    if (!this.#dirty) return;
    const checkpoint = this.#due;
    this.#due = false;
    if (checkpoint) this.#dirty = false;
    const bytes = this.#take();
    const state = this.#checkpoint(false);
    try {
      await this.#write(bytes);
      if (!checkpoint || this.#journal === undefined) return;
      await this.#output.sync();
      this.#journal.save({ ...state, length: this.#length });
    } catch (error) {
      this.#error = { error };
      throw error;
    }
  }

  #take(): Uint8Array {
    const bytes = Buffer.from(this.#buffer.join(''));
    this.#buffer = [];
    this.#buffered = 0;
    return bytes;
  }

  async #write(bytes: Uint8Array): Promise<void> {
    await this.#output.write(bytes, this.#journal === undefined ? null : this.#length);
    this.#length += bytes.length;
  }

  #checkpoint(ended: boolean): Checkpoint {
    const { written, failed, done } = this;
    const { columns } = this.#format;
    return { length: this.#length, done: done.ranges(), written, failed, columns, ended };
  }
}

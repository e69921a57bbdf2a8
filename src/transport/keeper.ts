/**
 * Keeps the process alive while tasks are in flight, in place of the workers: a call that comes alone would have to ref and
 * unref every one of them and its port.
 */
import { MessageChannel, type MessagePort } from 'node:worker_threads';
import { outside } from '../util/outside.js';

export class Keeper {
  #port: MessagePort | undefined;
  #keeps = false;

  keep(keeps: boolean): void {
    if (keeps === this.#keeps) return;
    this.#keeps = keeps;
    if (keeps) {
      this.#port ??= outside(() => new MessageChannel().port1);
      this.#port.ref();
    } else this.#port?.unref();
  }

  /** There is nothing left to keep it alive for. */
  close(): void {
    this.keep(false);
    this.#port?.close();
    this.#port = undefined;
  }
}

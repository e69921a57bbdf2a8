import type { Actor } from './actor.js';
import type { Clock } from './races.js';

/** What `Atomics.waitAsync` gives: calls back by the event loop of its actor. */
export class Waiter {
  callback: (() => unknown) | undefined;
  woken: Clock | undefined;
  readonly #actor: Actor;

  constructor(actor: Actor) {
    this.#actor = actor;
  }

  // biome-ignore lint/suspicious/noThenProperty: it stands for a promise
  then(callback: () => unknown): void {
    this.callback = callback;
    this.#settle();
  }

  wake(seen: Clock): void {
    this.woken = seen;
    this.#settle();
  }

  #settle(): void {
    const { callback, woken } = this;
    if (callback !== undefined && woken !== undefined) this.#actor.wakes.push({ run: callback, seen: woken });
  }
}

/** Processes are told of every value of `put` that ends, wherever that is: they share no word that says so. */
import { onEnd } from '../../codec/index.js';
import type { WorkerHost } from './worker-host.js';

export class Endings {
  readonly #hosts: ReadonlyMap<unknown, WorkerHost>;
  #stop: (() => void) | undefined;

  constructor(hosts: ReadonlyMap<unknown, WorkerHost>) {
    this.#hosts = hosts;
  }

  tell(): void {
    this.#stop ??= onEnd((hash, how) => {
      for (const { handle } of this.#hosts.values()) handle.send({ type: 'ended', hash, how });
    });
  }

  stop(): void {
    this.#stop?.();
    this.#stop = undefined;
  }
}

/**
 * How the engine's store lets go of assets: workers leave out of what they send whatever they know the engine to hold,
 * so each is told first, and answers behind all that it sent before. Then nothing on its way relies on them.
 */
import type { AssetStore } from '../../codec/index.js';
import type { WorkerHost } from './worker-host.js';

export class AssetFarewell {
  readonly #store: AssetStore;
  /** Those who have not answered. */
  readonly #waiting = new Set<WorkerHost>();

  constructor(store: AssetStore) {
    this.#store = store;
  }

  /** To be called now and then: begins where the store is over its bounds. */
  begin(hosts: Iterable<WorkerHost>): void {
    const hashes = this.#store.leave();
    if (hashes.length === 0) return;
    for (const host of hosts) {
      this.#waiting.add(host);
      host.handle.send({ type: 'unlearn', hashes });
    }
  }

  /** The worker has answered, or is gone. */
  heard(host: WorkerHost | undefined): void {
    if (host === undefined || !this.#waiting.delete(host)) return;
    if (this.#waiting.size === 0) this.#store.left();
  }
}

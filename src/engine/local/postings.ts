import type { WorkerHost } from './worker-host.js';

/** Jobs that were posted and not published yet: one publication for all that is posted in one go. */
export class Postings {
  readonly #hosts = new Set<WorkerHost>();
  #planned = false;
  #inside = false;

  add(host: WorkerHost): void {
    this.#hosts.add(host);
    if (this.#inside || this.#planned) return;
    this.#planned = true;
    queueMicrotask(() => {
      this.#planned = false;
      this.#publish();
    });
  }

  /** Publishes what `act` posts at once, so that workers wake while this thread goes on. */
  during(act: () => void): void {
    this.#inside = true;
    try {
      act();
    } finally {
      this.#inside = false;
      this.#publish();
    }
  }

  #publish(): void {
    for (const host of this.#hosts) host.handle.flush(host.place.average);
    this.#hosts.clear();
  }
}

import type { WorkerHost } from './worker-host.js';

/** Jobs that were posted and not published yet: one publication for all that is submitted in one go. */
export class Postings {
  readonly #hosts = new Set<WorkerHost>();
  #planned = false;

  /** `now`: it is many calls already and need not wait for more. */
  add(host: WorkerHost, now: boolean): void {
    this.#hosts.add(host);
    if (now) this.#publish();
    else if (!this.#planned) {
      this.#planned = true;
      queueMicrotask(() => {
        this.#planned = false;
        this.#publish();
      });
    }
  }

  #publish(): void {
    for (const host of this.#hosts) host.handle.flush(host.place.average);
    this.#hosts.clear();
  }
}

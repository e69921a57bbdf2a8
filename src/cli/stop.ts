/** Why a run ends before its last record. */
export class Stopped extends Error {
  readonly status: number;

  constructor(
    readonly signal: NodeJS.Signals,
    status: number,
  ) {
    super(`stopped by ${signal}`);
    this.status = status;
  }
}

/** As shells count them: 128 and the signal's number. */
const STATUS = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const;
/** ms for an orderly end. */
const PATIENCE = 3000;

/**
 * The first signal asks the run to end, and a second one, or the passing of time, ends the process. Aborts with
 * Stopped for a signal, with what `stop` is given otherwise.
 */
export class Stop {
  readonly #controller = new AbortController();

  constructor() {
    for (const [signal, status] of Object.entries(STATUS)) {
      process.on(signal, () => this.#signalled(signal as NodeJS.Signals, status));
    }
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  stop(reason: unknown): void {
    if (!this.signal.aborted) this.#controller.abort(reason);
  }

  #signalled(signal: NodeJS.Signals, status: number): void {
    if (this.signal.aborted) leave(signal, status);
    this.stop(new Stopped(signal, status));
    setTimeout(() => leave(signal, status), PATIENCE).unref();
  }
}

function leave(signal: NodeJS.Signals, status: number): void {
  process.removeAllListeners(signal);
  process.exit(status);
}

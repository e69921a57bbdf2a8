/** Generators' tasks: values go out as long as there is credit; the reader gives credit as it reads. */
import { type Packed, Packer, packError } from '../codec/index.js';
import type { StreamPart, WirePacked } from '../protocol/index.js';
import type { AnyGenerator } from './job-run.js';

/** Values a generator may be ahead of its reader. */
export const STREAM_WINDOW = 16;

interface Credit {
  count: number;
  stopped: boolean;
  wake: (() => void) | undefined;
}

export interface StreamHost {
  readonly apart: boolean;
  wire(packed: Packed): WirePacked;
  send(slot: number, item: number, part: StreamPart, transfer: readonly unknown[]): void;
}

export class Streams {
  readonly #host: StreamHost;
  readonly #credits = new Map<number, Credit>();

  constructor(host: StreamHost) {
    this.#host = host;
  }

  credit(slot: number, count: number): void {
    const credit = this.#credits.get(slot);
    if (credit === undefined) return;
    credit.count += count;
    credit.wake?.();
  }

  /** The reader has gone, or the task was cancelled. */
  stop(slot: number): void {
    const credit = this.#credits.get(slot);
    if (credit === undefined) return;
    credit.stopped = true;
    credit.wake?.();
  }

  async run(slot: number, item: number, generator: AnyGenerator, unbounded: boolean): Promise<void> {
    const credit: Credit = {
      count: unbounded ? Number.POSITIVE_INFINITY : STREAM_WINDOW,
      stopped: false,
      wake: undefined,
    };
    this.#credits.set(slot, credit);
    this.#host.send(slot, item, { step: 'open' }, []);
    try {
      await this.#pump(slot, item, generator, credit);
      this.#host.send(slot, item, { step: 'end' }, []);
    } catch (error) {
      const body = packError(error, this.#host.apart);
      this.#host.send(slot, item, { step: 'error', body: this.#host.wire(body) }, body.transfer);
    } finally {
      this.#credits.delete(slot);
    }
  }

  async #pump(slot: number, item: number, generator: AnyGenerator, credit: Credit): Promise<void> {
    for (;;) {
      while (credit.count <= 0 && !credit.stopped) {
        await new Promise<void>((resolve) => {
          credit.wake = resolve;
        });
        credit.wake = undefined;
      }
      if (credit.stopped) {
        await generator.return(undefined);
        return;
      }
      const next = await generator.next();
      if (next.done === true) return;
      credit.count -= 1;
      const packer = new Packer({ moved: true, apart: this.#host.apart });
      packer.item(next.value);
      const body = packer.finish();
      this.#host.send(slot, item, { step: 'value', body: this.#host.wire(body) }, body.transfer);
    }
  }
}

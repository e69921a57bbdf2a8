/** Drives one worker by its handle alone, as an engine would, and keeps what it tells. */
import assert from 'node:assert/strict';
import { AssetStore, type Packed, Packer, pack, unpack } from '#simul/codec/index.js';
import { CLOSED } from '#simul/memory/index.js';
import { type OperationHead, type ToWorker, toWire } from '#simul/protocol/index.js';
import {
  type Batch,
  type Body,
  type ExitReason,
  forEntries,
  isMoved,
  plainBody,
  type StartWorker,
  startProcess,
  startThread,
  type WorkerEvents,
  type WorkerHandle,
  type WorkerSpec,
} from '#simul/transport/index.js';

export type Kind = 'thread' | 'memory' | 'socket';

const start: Readonly<Record<Kind, StartWorker>> = {
  thread: startThread,
  memory: startProcess,
  socket: (...given) => {
    process.env.SIMUL_SHARED_MEMORY = 'off';
    try {
      return startProcess(...given);
    } finally {
      delete process.env.SIMUL_SHARED_MEMORY;
    }
  },
};

export interface Posted {
  readonly slot: number;
  readonly packed: Packed;
  /** By item; a failure is the error itself. */
  readonly results: unknown[];
  /** How often something was told of each item. */
  readonly told: number[];
  /** Values of an item that is a generator, and how it ended. */
  readonly stream: unknown[];
  ended: number | undefined;
  returned: number | undefined;
}

const SPEC: WorkerSpec = {
  worker: 0,
  workers: 1,
  tasksPerWorker: 1,
  name: 'contract',
  init: undefined,
  maxHeapMiB: undefined,
  env: undefined,
  execArgv: undefined,
};

const HEAD: Omit<OperationHead, 'id'> = {
  kind: 'map',
  seed: 1,
  seeded: false,
  timed: true,
  unboundedStreams: false,
  quiet: false,
};

export class Driver {
  readonly kind: Kind;
  readonly handle: WorkerHandle;
  readonly events: string[] = [];
  readonly exits: ExitReason[] = [];
  /** In `progress` events. */
  readonly progress: number[] = [];
  /** Bytes in `memory` events. */
  readonly memory: number[] = [];
  readonly #assets = new AssetStore();
  readonly #posted: (Posted | undefined)[] = [];
  readonly #waiting = new Set<() => void>();
  /** While work is under way nothing else keeps this process. */
  readonly #alive = setInterval(() => {}, 1 << 30);
  #operations = 0;

  constructor(kind: Kind, spec: Partial<WorkerSpec> = {}) {
    this.kind = kind;
    this.handle = start[kind]({ ...SPEC, ...spec }, this.#listen(), this.#assets);
  }

  #listen(): WorkerEvents {
    const note = (event: string): void => {
      assert.equal(this.exits.length, 0, `${event} after the exit`);
      this.events.push(event);
    };
    const tell =
      <Args extends unknown[]>(name: string, act: (...args: Args) => void = () => {}) =>
      (...args: Args): void => {
        note(name);
        act(...args);
        this.#wake();
      };
    return {
      ready: tell('ready'),
      failed: tell('failed'),
      result: tell('result', (slot: number, item: number, failed: boolean, body: Body) => {
        this.#result(slot, item, failed ? [unpack(body, this.#assets)] : unpack(body, this.#assets));
      }),
      results: tell('results', (slot: number, first: number, batch: Batch) => {
        let item = first;
        if (batch.kind === 'column') {
          for (let i = 0; i < batch.count; i++) this.#result(slot, item++, batch.numbers?.[i]);
          return;
        }
        forEntries(batch, (from, to) => {
          this.#result(slot, item++, unpack(plainBody(batch.bytes.slice(from, to)), this.#assets));
        });
      }),
      stream: tell('stream', (slot, _item, part) => {
        const { stream } = this.#at(slot);
        stream.push(part.step === 'value' ? unpack(part.body, this.#assets) : part.step);
      }),
      progress: tell('progress', (_slot: number, _item: number, done: number) => this.progress.push(done)),
      end: tell('end', (slot: number, started: number) => {
        const posted = this.#at(slot);
        assert.equal(posted.ended, undefined, 'a job ends once');
        posted.ended = started;
      }),
      returned: tell('returned', (slot: number, started: number) => {
        this.#at(slot).returned = started;
      }),
      fetch: tell('fetch', (slot: number) => {
        const parts = this.#at(slot).packed.extras;
        const moved = parts.map((part) => (isMoved(part) ? part : undefined));
        this.handle.send({ type: 'parts', slot, parts: moved }, moved.filter(isMoved));
      }),
      waiting: tell('waiting'),
      request: tell('request'),
      memory: tell('memory', (bytes: number) => this.memory.push(bytes)),
      unlearned: tell('unlearned'),
      stopping: tell('stopping'),
      stopped: tell('stopped', () => this.handle.terminate()),
      exit: (reason) => {
        this.exits.push(reason);
        this.#wake();
      },
    };
  }

  #at(slot: number): Posted {
    const posted = this.#posted[slot];
    assert.ok(posted, `nothing was posted in slot ${slot}`);
    return posted;
  }

  #result(slot: number, item: number, value: unknown): void {
    const posted = this.#at(slot);
    assert.equal(posted.ended, undefined, 'no result comes after the end');
    assert.ok(this.handle.started(slot) > item, 'what has a result has started');
    posted.results[item] = value;
    posted.told[item] = (posted.told[item] ?? 0) + 1;
    assert.equal(posted.told[item], 1, 'a result comes once');
  }

  /** Makes `fn` known to the worker: an operation that is called with items. */
  define(fn: (item: never, index: number) => unknown, head: Partial<OperationHead> = {}): number {
    const id = ++this.#operations;
    const packed = pack(fn, { exact: true, apart: this.kind !== 'thread' });
    const { assets, modules } = packed;
    this.#assets.addSent(assets);
    const known = new Set(assets.map(({ hash }) => hash));
    this.send({ type: 'assets', assets, modules });
    this.send({ type: 'operation', head: { ...HEAD, id, ...head }, fn: toWire(packed, known) });
    return id;
  }

  send(message: ToWorker): void {
    this.handle.send(message);
  }

  /** Posts items as one job; undefined where there is no room. */
  tryPost(operation: number, items: readonly unknown[], slot = this.#posted.length): Posted | undefined {
    const packer = new Packer({ apart: this.kind !== 'thread', moved: false });
    const offsets = [0];
    for (const item of items) {
      packer.item(item);
      offsets.push(packer.length);
    }
    const packed = packer.finish();
    const isNumeric = items.length > 0 && items.every((item) => typeof item === 'number');
    const column = isNumeric ? Float64Array.from(items as number[]) : undefined;
    const head = { operation, base: 0, count: items.length, attempt: 1, limit: 0, task: slot, first: 0 };
    this.handle.openSlot(slot);
    if (!this.handle.tryPost(slot, head, { packed, offsets, column }, 0)) return undefined;
    const posted: Posted = {
      slot,
      packed,
      results: [],
      told: [],
      stream: [],
      ended: undefined,
      returned: undefined,
    };
    this.#posted[slot] = posted;
    this.handle.flush(undefined);
    return posted;
  }

  post(operation: number, items: readonly unknown[], slot?: number): Posted {
    const posted = this.tryPost(operation, items, slot);
    assert.ok(posted, 'there is room');
    return posted;
  }

  /** Asks whatever runs in the slot to stop. */
  cancel(slot: number): void {
    this.handle.requestCancel(slot, -1);
    this.send({ type: 'cancel', slot, item: -1, reason: toWire(pack(new Error('enough')), new Set()) });
  }

  /** How many items had begun, or may have, for all that is known here. */
  close(slot: number): number {
    const before = this.handle.close(slot);
    assert.ok(this.handle.close(slot) >= CLOSED, 'it is closed once');
    return before;
  }

  /** Waits until something holds, which is looked at after each event. */
  async until(holds: () => boolean, what: string): Promise<void> {
    const end = performance.now() + 20_000;
    while (!holds()) {
      assert.ok(
        performance.now() < end,
        `${what}: not after 20 s; ${JSON.stringify(this.events.slice(-20))}`,
      );
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, 20);
        this.#waiting.add(() => {
          clearTimeout(timer);
          resolve();
        });
      });
    }
  }

  #wake(): void {
    for (const wake of this.#waiting) wake();
    this.#waiting.clear();
  }

  ready(): Promise<void> {
    return this.until(() => this.events.includes('ready'), 'ready');
  }

  ended(posted: Posted): Promise<void> {
    return this.until(() => posted.ended !== undefined, `the end of slot ${posted.slot}`);
  }

  async exited(): Promise<ExitReason> {
    await this.until(() => this.exits.length > 0, 'the exit');
    // A second one would come with the next turns.
    for (let i = 0; i < 5; i++) await new Promise((resolve) => setImmediate(resolve));
    assert.equal(this.exits.length, 1);
    return this.exits[0]!;
  }

  /** Ends it, however it is, and waits for that. */
  async dispose(): Promise<void> {
    if (this.exits.length === 0) this.handle.terminate();
    await this.exited();
    clearInterval(this.#alive);
  }
}

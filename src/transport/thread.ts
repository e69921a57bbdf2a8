/** Workers as threads of this process. */
import { pathToFileURL } from 'node:url';
import { MessageChannel, Worker } from 'node:worker_threads';
import type { AssetStore } from '../codec/index.js';
import { EngineError } from '../errors.js';
import { createSegment, RingReader, RingWriter, Segment } from '../memory/index.js';
import { PROTOCOL_VERSION, type ToParent, toWire } from '../protocol/index.js';
import { outside } from '../util/outside.js';
import { threadEntry } from '../util/own-folder.js';
import type { WorkerSetup } from '../worker/index.js';
import { threadFlags } from './flags.js';
import { SegmentHandle } from './segment-handle.js';
import type { WorkerEvents, WorkerHandle, WorkerSpec } from './transport.js';

export function startThread(spec: WorkerSpec, events: WorkerEvents, assets: AssetStore): WorkerHandle {
  return outside(() => new ThreadHandle(spec, events, assets));
}

class ThreadHandle extends SegmentHandle {
  readonly #buffers: ReturnType<typeof createSegment>;
  readonly #channel: MessageChannel;
  #worker: Worker | undefined;
  #stopRequested = false;

  constructor(spec: WorkerSpec, events: WorkerEvents, assets: AssetStore) {
    const buffers = createSegment();
    const segment = new Segment(buffers);
    const channel = new MessageChannel();
    const parts = {
      port: channel.port1,
      writer: new RingWriter(segment.submission),
      reader: new RingReader(segment.completion),
      own: segment.parentBell,
      peer: segment.workerBell,
    };
    super(segment, parts, events, assets);
    this.#buffers = buffers;
    this.#channel = channel;
    channel.port1.on('message', (message: ToParent) => this.inbox.message(message));
    channel.port1.unref();
    this.inbox.drain();
    const entry = threadEntry();
    if (entry !== undefined) this.#start(spec, pathToFileURL(entry));
    else this.#startInlined(spec);
  }

  #start(spec: WorkerSpec, entry: URL | string): void {
    if (this.#stopRequested) return this.#exit(0);
    const init = spec.init === undefined ? undefined : toWire(spec.init, new Set());
    const setup: WorkerSetup = {
      version: PROTOCOL_VERSION,
      worker: spec.worker,
      workers: spec.workers,
      concurrency: spec.tasksPerWorker,
      apart: false,
      segment: this.#buffers,
      port: this.#channel.port2,
      channel: 'MessagePort',
      init,
    };
    const execArgv = spec.execArgv ?? threadFlags();
    const worker = new Worker(entry, {
      eval: typeof entry === 'string',
      workerData: { simul: setup },
      transferList: [this.#channel.port2],
      name: spec.name,
      ...(spec.maxHeapMiB === undefined
        ? {}
        : { resourceLimits: { maxOldGenerationSizeMb: spec.maxHeapMiB } }),
      ...(spec.env === undefined ? {} : { env: spec.env }),
      ...(execArgv === undefined ? {} : { execArgv: [...execArgv] }),
    });
    this.#worker = worker;
    worker.unref();
    worker.on('error', (error) => {
      this.error = error;
    });
    worker.on('messageerror', (error) => this.#fail(error));
    this.#channel.port1.on('messageerror', (error) => this.#fail(error));
    worker.once('exit', (code) => this.#exit(code));
  }

  /** A bundle holds no entry file: the worker is started from its source, which the bundle holds as text. */
  #startInlined(spec: WorkerSpec): void {
    import('../thread-source.js').then(
      ({ source }) => this.#start(spec, source),
      (error: unknown) => {
        this.error = new EngineError('the code of the worker is neither a file nor part of the bundle', {
          cause: error,
        });
        this.#exit(undefined);
      },
    );
  }

  #fail(error: unknown): void {
    this.error ??= new EngineError('a message of the worker could not be read', { cause: error });
    this.terminate();
  }

  #exit(code: number | undefined): void {
    if (!this.drainAll()) return;
    this.#channel.port1.close();
    this.tellExit({ code, error: this.error });
  }

  terminate(): void {
    this.#stopRequested = true;
    void this.#worker?.terminate();
  }
}

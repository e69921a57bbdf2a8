/** Workers as processes, whichever way leads to them: the states and what can go wrong are in README.md. */
import { type ChildProcess, spawn } from 'node:child_process';
import { type AssetStore, entryFile, prepare, unpack } from '../codec/index.js';
import { EngineError } from '../errors.js';
import {
  BY_SOCKET,
  fromWire,
  type JobHead,
  PROTOCOL_VERSION,
  toWire,
  type WirePacked,
} from '../protocol/index.js';
import { outside } from '../util/outside.js';
import { threadEntry } from '../util/own-folder.js';
import type { ProcessSetup } from '../worker/index.js';
import { checked } from './checks.js';
import { processFlags } from './flags.js';
import { LastLines } from './last-lines.js';
import { residentMemory, systemTells } from './measure.js';
import { MemoryWay } from './memory-way.js';
import { SegmentHandle } from './segment-handle.js';
import { sharedMemory } from './shared-memory.js';
import { SocketWay } from './socket-way.js';
import type { Items, WorkerEvents, WorkerHandle, WorkerSpec } from './transport.js';
import type { Way } from './way.js';

/** How long the pipes of a child that is gone may hold back the news of it, in ms: others may have them open. */
const PIPES_PATIENCE = 100;
/** How long its last error may take to be read, in ms: its class may have to be imported. */
const ERROR_PATIENCE = 500;

/** How long a child may live that can wake nobody any more, in ms: it is on its way to its end, or never ends. */
const DUMB_PATIENCE = 1000;

/** Over shared memory, where there is any. */
export function startProcess(spec: WorkerSpec, events: WorkerEvents, assets: AssetStore): WorkerHandle {
  return outside(() => {
    const { system } = sharedMemory();
    const way = system === undefined ? new SocketWay(spec.tasksPerWorker) : new MemoryWay(system);
    return new ProcessHandle(spec, events, assets, way);
  });
}

class ProcessHandle extends SegmentHandle {
  readonly #assets: AssetStore;
  readonly #way: Way;
  readonly #stderr = new LastLines();
  #child: ChildProcess | undefined;
  #died: WirePacked | undefined;
  #stopRequested = false;

  constructor(spec: WorkerSpec, events: WorkerEvents, assets: AssetStore, way: Way) {
    const { segment, parts } = way;
    super(segment, parts, checked(way.watch(events), segment), assets, false);
    this.#assets = assets;
    this.#way = way;
    try {
      parts.port.postMessage(setupOf(spec));
    } catch (error) {
      way.settled();
      throw error;
    }
    way.flush();
    this.inbox.drain();
    const entry = threadEntry();
    if (entry !== undefined) this.#start(spec, [entry]);
    else this.#startInlined(spec);
  }

  /** `source`: what a program reads that has no file to begin with. */
  #start(spec: WorkerSpec, args: readonly string[], source?: string): void {
    try {
      if (this.#stopRequested) return this.#gone(0, null);
      const heap =
        spec.maxHeapMiB === undefined ? [] : [`--max-old-space-size=${Math.ceil(spec.maxHeapMiB)}`];
      const child = spawn(
        process.execPath,
        [...(spec.execArgv ?? processFlags()), ...heap, ...args, this.#way.argument, `${process.pid}`],
        {
          env: spec.env ?? process.env,
          stdio: [source === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe', ...this.#way.files],
          windowsHide: true,
        },
      );
      this.#child = child;
      child.once('error', (error) => {
        this.error ??= new EngineError('a worker process could not be started', { cause: error });
        if (child.pid === undefined) this.#gone(undefined, null);
      });
      child.once('exit', (code, signal) => this.#ended(child, code, signal));
      if (child.pid !== undefined) this.#connect(child, source);
    } catch (error) {
      this.error ??= error;
      setImmediate(() => this.#gone(undefined, null));
    } finally {
      this.#way.settled();
    }
  }

  #connect(child: ChildProcess, source: string | undefined): void {
    const [stdin, stdout, stderr, ...pipes] = child.stdio;
    child.unref();
    this.#way.connect(child, (error) => this.onBroken(error));
    pipes[1]!.once('end', () => {
      const silent = (): void =>
        this.onBroken(new Error('it has closed the way by which it wakes its parent'));
      const timer = setTimeout(silent, DUMB_PATIENCE).unref();
      child.once('exit', () => clearTimeout(timer));
    });
    // Beside what comes by the rings: what Node and native code write by themselves.
    stdout!.on('data', (bytes: Buffer) => process.stdout.write(bytes));
    stderr!.on('data', (bytes: Buffer) => {
      this.#stderr.add(bytes);
      process.stderr.write(bytes);
    });
    for (const stream of [stdout, stderr, ...pipes])
      (stream as unknown as { unref?(): void } | null)?.unref?.();
    if (source === undefined) return;
    stdin!.on('error', () => {});
    stdin!.end(source);
  }

  /** A bundle holds no entry file: the child is given the source of the worker, which the bundle holds as text. */
  #startInlined(spec: WorkerSpec): void {
    import('../thread-source.js').then(
      ({ source }) => this.#start(spec, ['--input-type=commonjs', '-'], sourceOf(source, this.#way.argument)),
      (error: unknown) => {
        this.error = new EngineError('the code of the worker is neither a file nor part of the bundle', {
          cause: error,
        });
        this.#way.settled();
        this.#gone(undefined, null);
      },
    );
  }

  protected override onOutput(stream: number, bytes: Uint8Array): void {
    if (stream === 2) this.#stderr.add(bytes);
  }

  protected override onDied(error: WirePacked): void {
    this.#died = error;
  }

  protected override onBroken(cause: Error): void {
    this.error ??= new EngineError(`a worker process sent what no worker sends: ${cause.message}`, { cause });
    this.terminate();
  }

  /** It has ended: what its pipes hold is read first. */
  #ended(child: ChildProcess, code: number | null, signal: NodeJS.Signals | null): void {
    const gone = (): void => {
      clearTimeout(timer);
      child.removeListener('close', gone);
      this.#gone(code ?? undefined, signal);
    };
    const timer = setTimeout(gone, PIPES_PATIENCE);
    child.once('close', gone);
  }

  #gone(code: number | undefined, signal: NodeJS.Signals | null): void {
    if (this.exited) return;
    this.#way.close();
    this.drainAll();
    const tell = (): void => {
      const { error } = this;
      this.tellExit({ code, error, signal: signal ?? undefined, stderr: this.#stderr.text });
    };
    if (this.#died === undefined || this.error !== undefined) return tell();
    this.#readError(this.#died, tell);
  }

  /** The error that ended it, or as much of it as can be read. */
  #readError(wire: WirePacked, then: () => void): void {
    let told = false;
    const read = (): void => {
      if (told) return;
      told = true;
      clearTimeout(timer);
      try {
        this.error = unpack(packed, this.#assets);
      } catch (error) {
        this.error = error;
      }
      then();
    };
    const timer = setTimeout(read, ERROR_PATIENCE);
    const packed = fromWire(wire, this.#assets);
    const pending = prepare(packed, this.#assets);
    if (pending === undefined) read();
    else pending.then(read, read);
  }

  override tryPost(slot: number, head: JobHead, items: Items, from: number): boolean {
    if (!super.tryPost(slot, head, items, from)) return false;
    this.#way.posted(slot, head);
    return true;
  }

  override flush(expected: number | undefined): void {
    super.flush(expected);
    this.#way.flush();
  }

  override look(): boolean {
    const done = this.#way.look();
    super.look();
    return done;
  }

  measure(): void {
    const pid = this.#child?.pid;
    if (pid === undefined) return;
    if (!systemTells) return this.send({ type: 'measure' });
    const bytes = residentMemory(pid);
    if (bytes !== undefined) this.events.memory(bytes);
  }

  terminate(): void {
    this.#stopRequested = true;
    this.#child?.kill('SIGKILL');
  }
}

/** A child that shares no memory starts a thread from the same text. */
function sourceOf(source: string, argument: string): string {
  if (argument !== BY_SOCKET) return source;
  return `globalThis[Symbol.for('simul.source')] = ${JSON.stringify(source)};\n${source}`;
}

function setupOf(spec: WorkerSpec): ProcessSetup {
  return {
    version: PROTOCOL_VERSION,
    worker: spec.worker,
    workers: spec.workers,
    concurrency: spec.tasksPerWorker,
    apart: true,
    entry: entryFile(),
    init: spec.init === undefined ? undefined : toWire(spec.init, new Set()),
  };
}

/** Workers as processes: the states and what can go wrong are in README.md. */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync } from 'node:fs';
import type { Duplex } from 'node:stream';
import { type AssetStore, entryFile, prepare, unpack } from '../codec/index.js';
import { EngineError } from '../errors.js';
import {
  MAPPED_BYTES,
  type MappedSegment,
  mapSegment,
  type Native,
  native,
  RingReader,
  RingWriter,
  Segment,
} from '../memory/index.js';
import { fromWire, PROTOCOL_VERSION, RingPort, toWire, type WirePacked } from '../protocol/index.js';
import { outside } from '../util/outside.js';
import { threadEntry } from '../util/own-folder.js';
import type { ProcessSetup } from '../worker/index.js';
import { checked } from './checks.js';
import { processFlags } from './flags.js';
import { LastLines } from './last-lines.js';
import { residentMemory, systemTells } from './measure.js';
import { SegmentHandle } from './segment-handle.js';
import type { WorkerEvents, WorkerHandle, WorkerSpec } from './transport.js';

/** How long the pipes of a child that is gone may hold back the news of it, in ms: others may have them open. */
const PIPES_PATIENCE = 100;
/** How long its last error may take to be read, in ms: its class may have to be imported. */
const ERROR_PATIENCE = 500;

/** How long a child may live that can wake nobody any more, in ms: it is on its way to its end, or never ends. */
const DUMB_PATIENCE = 1000;

const RING = Uint8Array.of(1);

/** @throws EngineError where this machine does not share memory between processes */
export function startProcess(spec: WorkerSpec, events: WorkerEvents, assets: AssetStore): WorkerHandle {
  return outside(() => new ProcessHandle(spec, events, assets));
}

class ProcessHandle extends SegmentHandle {
  readonly #assets: AssetStore;
  readonly #bell: Bell;
  readonly #stderr = new LastLines();
  /** The memory, open until the child has it. */
  #file: number;
  #child: ChildProcess | undefined;
  #died: WirePacked | undefined;
  #stopRequested = false;

  constructor(spec: WorkerSpec, events: WorkerEvents, assets: AssetStore) {
    const system = native();
    const { file, buffers } = memory(system);
    const bell = new Bell();
    const segment = new Segment(buffers, { wakeWorker: () => bell.ring(), wakeParent: () => {} });
    const { parentBell: own, workerBell: peer } = segment;
    const port = new RingPort({
      writer: new RingWriter(segment.down!),
      reader: new RingReader(segment.up!, true),
      ring: () => peer.ring(),
    });
    const writer = new RingWriter(segment.submission);
    const reader = new RingReader(segment.completion, true);
    super(segment, { port, writer, reader, own, peer }, checked(events, segment), assets, false);
    this.#assets = assets;
    this.#bell = bell;
    this.#file = file;
    bell.heard = () => own.heard();
    try {
      port.postMessage(setupOf(spec));
    } catch (error) {
      closeSync(file);
      throw error;
    }
    this.inbox.drain();
    const entry = threadEntry();
    const args = [system.koffi, `${process.pid}`];
    if (entry !== undefined) this.#start(spec, [entry, ...args]);
    else this.#startInlined(spec, args);
  }

  /** `source`: what a program reads that has no file to begin with. */
  #start(spec: WorkerSpec, args: readonly string[], source?: string): void {
    try {
      if (this.#stopRequested) return this.#gone(0, null);
      const heap =
        spec.maxHeapMiB === undefined ? [] : [`--max-old-space-size=${Math.ceil(spec.maxHeapMiB)}`];
      const child = spawn(process.execPath, [...(spec.execArgv ?? processFlags()), ...heap, ...args], {
        env: spec.env ?? process.env,
        stdio: [source === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe', this.#file, 'pipe'],
        windowsHide: true,
      });
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
      closeSync(this.#file);
      this.#file = -1;
    }
  }

  #connect(child: ChildProcess, source: string | undefined): void {
    const [stdin, stdout, stderr, , bell] = child.stdio;
    child.unref();
    this.#bell.connect(bell as Duplex);
    bell!.once('end', () => {
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
    for (const stream of [stdout, stderr, bell]) (stream as unknown as { unref(): void }).unref();
    if (source === undefined) return;
    stdin!.on('error', () => {});
    stdin!.end(source);
  }

  /** A bundle holds no entry file: the child is given the source of the worker, which the bundle holds as text. */
  #startInlined(spec: WorkerSpec, args: readonly string[]): void {
    import('../thread-source.js').then(
      ({ source }) => this.#start(spec, ['--input-type=commonjs', '-', ...args], source),
      (error: unknown) => {
        this.error = new EngineError('the code of the worker is neither a file nor part of the bundle', {
          cause: error,
        });
        closeSync(this.#file);
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
    if (!this.drainAll()) return;
    this.#bell.close();
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

/** Memory for a worker, mapped here: an open file, which the child is given. */
function memory(system: Native): { readonly file: number; readonly buffers: MappedSegment } {
  const file = system.create(MAPPED_BYTES);
  try {
    return { file, buffers: mapSegment((at, bytes) => system.map(file, at, bytes)) };
  } catch (error) {
    closeSync(file);
    throw error;
  }
}

/** The socket pair by which event loops are woken. */
class Bell {
  #socket: Duplex | undefined;
  /** Rung before there was a socket. */
  #due = false;
  heard: () => void = () => {};

  connect(socket: Duplex): void {
    this.#socket = socket;
    socket.on('data', () => this.heard());
    // The child's end: its exit is told by itself.
    socket.on('error', () => {});
    if (this.#due) this.ring();
  }

  ring(): void {
    if (this.#socket === undefined) this.#due = true;
    else if (this.#socket.writable) this.#socket.write(RING);
  }

  close(): void {
    this.#socket?.destroy();
  }
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

/** One worker as the engine drives it: its slots, what it knows, and the jobs behind its slots. */
import { type AssetStore, type ModuleRef, onEnd, type Packed } from '../../codec/index.js';
import { SLOTS } from '../../memory/index.js';
import { toWire, type WirePacked } from '../../protocol/index.js';
import { type ExitReason, isMoved, type WorkerEvents, type WorkerHandle } from '../../transport/index.js';
import type { EngineOperation } from '../engine.js';
import { AssetLedger } from './asset-ledger.js';
import type { Job } from './job.js';
import type { LocalEngineOptions } from './local-engine-options.js';
import type { Place } from './place.js';
import type { RefLedger } from './ref-ledger.js';

const NOTHING: readonly never[] = [];

export class WorkerHost {
  readonly place: Place;
  readonly handle: WorkerHandle;
  readonly jobs: (Job | undefined)[] = new Array(SLOTS).fill(undefined);
  readonly #free: number[] = Array.from({ length: SLOTS }, (_, i) => SLOTS - 1 - i);
  readonly #ledger = new AssetLedger();
  /** What the engine can decode with: code that comes back by its hash alone has to be there. */
  readonly #assets: AssetStore;
  readonly #refs: RefLedger;
  /** Operations it knows. */
  readonly #operations = new Set<number>();
  /** Modules it was told to import. */
  readonly #modules = new Set<string>();
  /** Why this worker was stopped by force, told to those who were running. */
  stopReason: string | undefined;
  /** Where memory was why, in bytes. */
  overrun: { readonly memoryUsed: number; readonly memoryLimit: number } | undefined;
  /** Bytes that its heap may have, where that was said. */
  readonly heapLimit: number | undefined;
  /** It is a process. */
  readonly apart: boolean;
  /** It knows that it is to end. */
  heardStop = false;
  /** How it ended by itself. */
  exit: ExitReason | undefined;
  #posted = 0;

  constructor(
    place: Place,
    handle: WorkerHandle,
    assets: AssetStore,
    refs: RefLedger,
    { apart, maxHeapMiB }: Pick<LocalEngineOptions, 'apart' | 'maxHeapMiB'>,
  ) {
    this.apart = apart;
    this.heapLimit = maxHeapMiB === undefined ? undefined : maxHeapMiB * 2 ** 20;
    this.#assets = assets;
    this.#refs = refs;
    this.place = place;
    this.handle = handle;
  }

  tryPost(job: Job): boolean {
    const slot = this.#free.pop();
    if (slot === undefined) return false;
    const { spec } = job;
    this.#introduce(spec.operation);
    this.#provide(job);
    this.#ledger.begin(spec.operation.spec.fn);
    this.#ledger.begin(spec.items.packed);
    this.handle.openSlot(slot);
    const head = {
      operation: spec.operation.id,
      base: job.base,
      count: job.count,
      attempt: spec.attempt,
      limit: spec.chunkLimit,
      task: spec.task,
      first: spec.first + (job.from - spec.from),
    };
    if (!this.handle.tryPost(slot, head, spec.items, job.from)) {
      this.#free.push(slot);
      this.#letGo(job);
      return false;
    }
    job.slot = slot;
    this.jobs[slot] = job;
    this.#posted += 1;
    return true;
  }

  /** The parts of the slot's last item: copies where another attempt may need them. */
  sendParts(slot: number): void {
    const spec = this.jobs[slot]?.spec;
    if (spec === undefined) return;
    const parts = spec.items.packed.extras.map((extra) => (isMoved(extra) ? extra : undefined));
    this.handle.send({ type: 'parts', slot, parts }, spec.keepsParts ? [] : parts.filter(isMoved));
  }

  hearStop(): void {
    this.heardStop = true;
  }

  /** The worker is done with the slot. */
  free(slot: number): void {
    const job = this.jobs[slot];
    if (job === undefined) return;
    this.jobs[slot] = undefined;
    this.#letGo(job);
    this.#free.push(slot);
    if (this.#free.length === SLOTS) this.#dropExcess();
  }

  /** Values that the job brought and nobody else needs. */
  #letGo({ spec }: Job): void {
    if (!this.#ledger.needsValues) return;
    for (const packed of [spec.operation.spec.fn, spec.items.packed]) {
      const hashes = this.#ledger.end(packed, (hash) => this.#refs.holds(hash));
      if (hashes.length > 0) this.handle.send({ type: 'drop', hashes });
    }
  }

  /** Nobody holds this value of `put` any more; where a job here needs it, it goes with that. */
  dropValue(hash: string, ended: boolean): void {
    // What ends may also be known there without having been sent from here.
    if (this.#ledger.drop(hash) || (ended && !this.#ledger.has(hash)))
      this.handle.send({ type: 'drop', hashes: [hash] });
  }

  forget(operation: number): void {
    if (this.#operations.delete(operation)) this.handle.send({ type: 'forget', operation });
  }

  /** The operation's head and function, before its first job here. */
  #introduce(operation: EngineOperation): void {
    const { spec } = operation;
    // Asked for every job: what was dropped since the last one has to go again.
    if (spec.fn !== undefined) this.#send(spec.fn);
    if (this.#operations.has(operation.id)) return;
    this.#operations.add(operation.id);
    this.handle.send({
      type: 'operation',
      head: {
        id: operation.id,
        kind: spec.kind,
        seed: spec.seed,
        seeded: spec.seeded,
        timed: spec.timed,
        unboundedStreams: spec.unboundedStreams,
        quiet: spec.quiet,
      },
      fn: spec.fn === undefined ? undefined : withoutAssets(spec.fn),
    });
  }

  #provide(job: Job): void {
    const { packed } = job.spec.items;
    if (packed.assets.length > 0 || packed.modules.length > 0) this.#send(packed);
  }

  #send(packed: Packed): void {
    const assets = this.#ledger.missing(packed, this.#posted);
    this.#assets.addSent(assets);
    const modules = packed.modules.length === 0 ? NOTHING : this.#freshModules(packed.modules);
    if (assets.length > 0 || modules.length > 0) this.handle.send({ type: 'assets', assets, modules });
  }

  /** A value for what this worker has asked for itself, with the assets that it lacks. */
  wire(packed: Packed): WirePacked {
    const values = packed.assets.filter(({ kind }) => kind === 'value');
    const rest = packed.assets.filter(({ kind }) => kind !== 'value');
    const assets = this.#ledger.missing({ ...packed, assets: rest }, this.#posted);
    this.#assets.addSent(assets);
    return { ...withoutAssets(packed), assets: values.length === 0 ? assets : [...assets, ...values] };
  }

  #freshModules(modules: readonly ModuleRef[]): readonly ModuleRef[] {
    const fresh = modules.filter((module) => !this.#modules.has(key(module)));
    for (const module of fresh) this.#modules.add(key(module));
    return fresh;
  }

  /** No job is in flight here: nothing that was used before can be needed by one. */
  #dropExcess(): void {
    const hashes = this.#ledger.excess(this.#posted);
    if (hashes.length > 0) this.handle.send({ type: 'drop', hashes });
  }
}

/** @throws where such a worker cannot be had at all */
export function startHost(
  place: Place,
  options: LocalEngineOptions,
  events: WorkerEvents,
  assets: AssetStore,
  refs: RefLedger,
): WorkerHost {
  assets.addSent(options.init?.assets ?? []);
  const { worker } = place;
  const spec = { ...options, worker, name: `${options.name}:${worker < 0 ? 'next' : worker}` };
  // Of threads, nobody has to be told.
  if (!options.apart) {
    return new WorkerHost(place, options.startWorker(spec, events, assets), assets, refs, options);
  }
  const exit = (reason: ExitReason): void => {
    stopTelling();
    events.exit(reason);
  };
  const handle = options.startWorker(spec, { ...events, exit }, assets);
  const stopTelling = onEnd((hash, how) => handle.send({ type: 'ended', hash, how }));
  return new WorkerHost(place, handle, assets, refs, options);
}

function key(module: ModuleRef): string {
  return `${module.specifier}\n${module.from ?? ''}`;
}

function withoutAssets(packed: Packed): WirePacked {
  return toWire(packed, new Set(packed.assets.map((asset) => asset.hash)));
}

/** Holds what a process tells of its jobs against what it was given: a worker's mistakes are not to become the engine's. */
import { CLOSED, type Segment, SLOTS } from '../memory/index.js';
import { BrokenProtocol } from '../protocol/index.js';
import type { WorkerEvents } from './transport.js';

/** @throws BrokenProtocol, where an event names a slot or an item that cannot be */
export function checked(events: WorkerEvents, segment: Segment): WorkerEvents {
  const slots = (slot: number): void => {
    if (!Number.isInteger(slot) || slot < 0 || slot >= SLOTS) broken(`slot ${slot}`);
  };
  /** How many items of each slot's job are over: they run one after the other, and each is told once. */
  const over = new Int32Array(SLOTS);
  /** What has a result has been claimed. */
  const items = (slot: number, item: number, count: number): void => {
    slots(slot);
    const most = Math.min(segment.started(slot), CLOSED);
    if (!Number.isInteger(item) || item < 0 || item + count > most) {
      broken(`a result of item ${item} of slot ${slot}, where ${most} have started`);
    }
  };
  const next = (slot: number, item: number, count: number): void => {
    items(slot, item, count);
    if (item !== over[slot]) broken(`a result of item ${item} of slot ${slot}, where ${over[slot]} are over`);
    over[slot] = item + count;
  };
  return {
    ...events,
    result: (slot, item, failed, body, times) => {
      next(slot, item, 1);
      events.result(slot, item, failed, body, times);
    },
    results: (slot, first, batch) => {
      next(slot, first, batch.count);
      events.results(slot, first, batch);
    },
    stream: (slot, item, part) => {
      if (part.step === 'open' || part.step === 'value') items(slot, item, 1);
      else next(slot, item, 1);
      events.stream(slot, item, part);
    },
    progress: (slot, item, done, total) => {
      items(slot, item, 1);
      events.progress(slot, item, done, total);
    },
    end: (slot, started, elapsed) => {
      slots(slot);
      if (!Number.isInteger(started) || started < 0 || started > CLOSED) broken(`${started} items of a job`);
      if (!(elapsed >= 0 && elapsed < Number.POSITIVE_INFINITY)) broken(`a job that took ${elapsed} ms`);
      if (started !== over[slot])
        broken(`the end of a job of which ${started} items began, and ${over[slot]} are over`);
      over[slot] = 0;
      events.end(slot, started, elapsed);
    },
    fetch: (slot) => {
      slots(slot);
      events.fetch(slot);
    },
    memory: (bytes) => {
      if (!(bytes >= 0)) broken(`${bytes} bytes of memory`);
      events.memory(bytes);
    },
    waiting: (slot, waiting) => {
      slots(slot);
      events.waiting(slot, waiting);
    },
  };
}

function broken(what: string): never {
  throw new BrokenProtocol(`it told of ${what}`);
}

import type { AssetStore } from '../codec/index.js';
import { fromWire, type StreamPart } from '../protocol/index.js';
import type { StreamEvent } from './engine.js';

/** A part of a generator's results as it came, ready to be decoded. */
export function streamEvent(part: StreamPart, assets: AssetStore): StreamEvent {
  return part.step === 'value' || part.step === 'error'
    ? { step: part.step, body: fromWire(part.body, assets) }
    : part;
}

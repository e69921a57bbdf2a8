import { types } from 'node:util';
import { isDirect } from './encode-object.js';
import type { Encoder } from './encoder.js';
import { Tag, VIEW_TYPES } from './tags.js';

const tagOfTyped = Object.getOwnPropertyDescriptor(
  Object.getPrototypeOf(Uint8Array.prototype),
  Symbol.toStringTag,
)!.get as (this: ArrayBufferView) => string;

/** In a view's kind: it is a Buffer. */
export const NODE_BUFFER = 64;

/** Views that share a buffer share it on the other side. */
export function encodeView(encoder: Encoder, value: ArrayBufferView, asBase: boolean): boolean {
  const isBuffer = Buffer.isBuffer(value);
  if (isBuffer && !types.isSharedArrayBuffer(value.buffer)) {
    // Small Buffers share a slab with strangers: only the part that is theirs travels.
    encoder.u8(Tag.nodeBuffer);
    encoder.content(value);
    return true;
  }
  const name = types.isDataView(value) ? 'DataView' : tagOfTyped.call(value);
  const kind = (VIEW_TYPES as readonly string[]).indexOf(name);
  if (kind < 0 || (!asBase && !isBuffer && !isDirect(value, name))) return false;
  encoder.u8(Tag.view);
  encoder.u8(kind | (isBuffer ? NODE_BUFFER : 0));
  encoder.double(value.byteOffset);
  encoder.double(types.isDataView(value) ? value.byteLength : (value as Uint8Array).length);
  encoder.value(value.buffer);
  return true;
}

import { types } from 'node:util';
import { isDirect } from './encode-object.js';
import type { Encoder } from './encoder.js';
import { isToBeMoved } from './moving.js';
import { isSlab } from './slab.js';
import { Tag, VIEW_TYPES } from './tags.js';

const tagOfTyped = Object.getOwnPropertyDescriptor(
  Object.getPrototypeOf(Uint8Array.prototype),
  Symbol.toStringTag,
)!.get as (this: ArrayBufferView) => string;

/** In a view's kind: it is a Buffer. */
export const NODE_BUFFER = 64;
/** A view leaves the rest of its buffer behind where that is more than this. */
const WASTE = 4096;

interface Resizable {
  readonly resizable?: boolean;
  readonly growable?: boolean;
  readonly maxByteLength: number;
}

export function encodeBuffer(encoder: Encoder, buffer: ArrayBuffer): void {
  refuseDetached(encoder, buffer);
  encoder.wholeBuffer(buffer);
  if ((buffer as Partial<Resizable>).resizable === true) {
    encoder.u8(Tag.resizableBuffer);
    encoder.double((buffer as ArrayBuffer & Resizable).maxByteLength);
  }
  if (!encoder.give(buffer)) encoder.content(new Uint8Array(buffer));
}

function refuseDetached(encoder: Encoder, buffer: ArrayBufferLike): void {
  // Older versions do not say it, but then nothing can be made of such a buffer.
  try {
    if (buffer.byteLength === 0) new Uint8Array(buffer);
  } catch {
    encoder.refuse('it is a buffer that was transferred away, which has no content any more');
  }
}

/**
 * Views that share a buffer share it on the other side; a lone view of a much larger buffer travels without the
 * rest. Views of the slab that Node.js cuts small Buffers from always do: it holds the bytes of strangers.
 */
export function encodeView(encoder: Encoder, value: ArrayBufferView, asBase: boolean): boolean {
  const isBuffer = Buffer.isBuffer(value);
  const { buffer, byteLength } = value;
  refuseDetached(encoder, buffer);
  const name = types.isDataView(value) ? 'DataView' : tagOfTyped.call(value);
  const kind = (VIEW_TYPES as readonly string[]).indexOf(name);
  if (kind < 0 || (!asBase && !isBuffer && !isDirect(value, name))) return false;
  const slab = isSlab(value);
  if (isBuffer && slab) {
    encoder.u8(Tag.nodeBuffer);
    encoder.content(value as Uint8Array);
    return true;
  }
  encoder.u8(Tag.view);
  encoder.u8(kind | (isBuffer ? NODE_BUFFER : 0));
  const loose = isLoose(buffer) && buffer.byteLength - byteLength > WASTE && !isToBeMoved(buffer);
  const cut = slab || (loose && encoder.mayCut(buffer));
  encoder.double(cut ? 0 : value.byteOffset);
  encoder.double(
    growsAlong(value) ? -1 : types.isDataView(value) ? byteLength : (value as Uint8Array).length,
  );
  encoder.viewed = isLoose(buffer);
  if (cut) encoder.lone(new Uint8Array(buffer, value.byteOffset, byteLength));
  else encoder.value(buffer);
  encoder.viewed = false;
  return true;
}

/** Neither shared nor resizable. */
function isLoose(buffer: ArrayBufferLike): boolean {
  return !types.isSharedArrayBuffer(buffer) && (buffer as Partial<Resizable>).resizable !== true;
}

/** Nothing tells a view that follows its buffer's length from one that happens to end where the buffer does. */
function growsAlong({ buffer, byteOffset, byteLength }: ArrayBufferView): boolean {
  const { resizable, growable } = buffer as Partial<Resizable>;
  return (resizable === true || growable === true) && byteOffset + byteLength === buffer.byteLength;
}

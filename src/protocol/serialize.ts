/** Messages to bytes: the head of a message in a {@link RingPort}, and the buffers beside it. */
import { types } from 'node:util';

/** What a buffer is: moved; shared memory; memory of the receiver's own, with what the sender's shared memory holds. */
const MOVED = 0;
export const SHARED = 1;
const GIVEN = 2;

export interface Serialized {
  /** Number of buffers, what each is and how long, and the message. */
  readonly head: Uint8Array;
  readonly body: readonly Uint8Array[];
}

/** Stands for shared memory in the message: its place among the buffers. V8 does not read its own mark of it. */
interface Shared {
  readonly sharedBuffer: number;
}

/** Threads have no use for it. */
const v8 = (): typeof import('node:v8') => process.getBuiltinModule('node:v8');

/**
 * Shared memory in `transfer` is copied to memory of the receiver's own.
 *
 * @throws DataCloneError
 */
export function serialize(message: unknown, transfer: readonly unknown[]): Serialized {
  const writer = new (v8().DefaultSerializer)();
  const buffers: ArrayBufferLike[] = [];
  for (const buffer of transfer as readonly ArrayBufferLike[]) {
    const at = buffers.push(buffer) - 1;
    if (!types.isSharedArrayBuffer(buffer)) writer.transferArrayBuffer(at, buffer);
  }
  const plain = withoutShared(message, buffers);
  writer.writeHeader();
  writer.writeValue(plain);
  const bytes = writer.releaseBuffer();
  const table = 4 + buffers.length * 12;
  const head = new Uint8Array(table + bytes.byteLength);
  const view = new DataView(head.buffer);
  view.setUint32(0, buffers.length, true);
  for (const [i, buffer] of buffers.entries()) {
    const kind = !types.isSharedArrayBuffer(buffer) ? MOVED : i < transfer.length ? GIVEN : SHARED;
    view.setUint32(4 + i * 12, kind, true);
    view.setFloat64(8 + i * 12, buffer.byteLength, true);
  }
  head.set(bytes, table);
  return { head, body: buffers.map((buffer) => new Uint8Array(buffer)) };
}

/** @throws whatever is wrong with the bytes */
export function deserialize(head: Uint8Array, buffers: readonly ArrayBufferLike[]): unknown {
  const table = 4 + buffers.length * 12;
  const reader = new (v8().DefaultDeserializer)(new Uint8Array(head.buffer, table));
  const view = new DataView(head.buffer);
  let shared = false;
  for (const [i, buffer] of buffers.entries()) {
    if (view.getUint32(4 + i * 12, true) === MOVED) reader.transferArrayBuffer(i, buffer as ArrayBuffer);
    else shared = true;
  }
  reader.readHeader();
  const message: unknown = reader.readValue();
  return shared ? withShared(message, buffers) : message;
}

/** The message with stand-ins for shared memory, which is added to `buffers`; the same where there is none. */
function withoutShared(value: unknown, buffers: ArrayBufferLike[]): unknown {
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return value;
  if (types.isSharedArrayBuffer(value)) {
    const known = buffers.indexOf(value);
    return { sharedBuffer: known >= 0 ? known : buffers.push(value) - 1 } satisfies Shared;
  }
  if (Array.isArray(value)) {
    let copy: unknown[] | undefined;
    for (let i = 0; i < value.length; i++) {
      const part = withoutShared(value[i], buffers);
      if (part === value[i]) continue;
      copy ??= [...(value as unknown[])];
      copy[i] = part;
    }
    return copy ?? value;
  }
  if (Object.getPrototypeOf(value) !== Object.prototype) return value;
  let copy: Record<string, unknown> | undefined;
  for (const [key, part] of Object.entries(value)) {
    const plain = withoutShared(part, buffers);
    if (plain === part) continue;
    copy ??= { ...value };
    copy[key] = plain;
  }
  return copy ?? value;
}

/** The message with shared memory where it belongs. */
function withShared(value: unknown, buffers: readonly ArrayBufferLike[]): unknown {
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return value;
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) value[i] = withShared(value[i], buffers);
    return value;
  }
  if (Object.getPrototypeOf(value) !== Object.prototype) return value;
  const { sharedBuffer } = value as Partial<Shared>;
  if (sharedBuffer !== undefined) return buffers[sharedBuffer];
  const record = value as Record<string, unknown>;
  for (const key of Object.keys(record)) record[key] = withShared(record[key], buffers);
  return record;
}

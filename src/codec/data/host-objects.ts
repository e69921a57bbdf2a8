/** Objects that Node itself can clone and nobody else: they travel beside the bytes. */
import type { Encoder } from './encoder.js';
import { Tag } from './tags.js';

const CLONEABLE: ReadonlySet<string> = new Set([
  'Blob',
  'File',
  'CryptoKey',
  'KeyObject',
  'PublicKeyObject',
  'PrivateKeyObject',
  'SecretKeyObject',
  'X509Certificate',
  'BlockList',
  'SocketAddress',
  'Histogram',
  'RecordableHistogram',
  'Module',
]);

export function isHost(value: object): boolean {
  const name = (Object.getPrototypeOf(value) as { constructor?: Function } | null)?.constructor?.name;
  if (name === undefined || !CLONEABLE.has(name)) return false;
  if (name === 'Module') return Object.prototype.toString.call(value) === '[object WebAssembly.Module]';
  try {
    structuredClone(value);
    return true;
  } catch {
    return false;
  }
}

export function encodeHost(encoder: Encoder, value: object): void {
  if (encoder.apart) {
    const { name } = value.constructor;
    encoder.refuse(
      `it is a ${name}, which no other process can have: make it there, or use a pool of kind 'thread'`,
    );
  }
  encoder.u8(Tag.host);
  encoder.u32(encoder.extras.push(value) - 1);
}

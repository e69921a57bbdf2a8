/** Large captured buffers and strings, known by content: a worker is sent each once. */
import { createHash } from 'node:crypto';
import { freshSharedCopyOf } from '../../util/large-pages.js';
import type { Asset } from '../packed.js';

const MOST_BYTES = 256 * 2 ** 20;

type Constant = Extract<Asset, { kind: 'constant' }>;

const kept = new Map<string, Constant>();
let bytesKept = 0;

/** The constant with these bytes: the same object for the same content, while it is kept. */
export function constantOf(bytes: Uint8Array): Constant {
  const hash = `c:${createHash('sha256').update(bytes).digest('base64url').slice(0, 22)}`;
  const known = kept.get(hash);
  if (known !== undefined) {
    // Most recently used last.
    kept.delete(hash);
    kept.set(hash, known);
    return known;
  }
  const buffer = freshSharedCopyOf(bytes);
  const constant = { kind: 'constant', hash, buffer } as const;
  kept.set(hash, constant);
  bytesKept += bytes.byteLength;
  for (const [oldest, { buffer: old }] of kept) {
    if (bytesKept <= MOST_BYTES || oldest === hash) break;
    kept.delete(oldest);
    bytesKept -= old.byteLength;
  }
  return constant;
}

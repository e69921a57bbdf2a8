import { createHash } from 'node:crypto';
import type { CodeRecord } from './reading.js';

/** The record of a content: the same content has the same hash in every thread. */
export function withHash(content: Omit<CodeRecord, 'hash'>): CodeRecord {
  const hash = createHash('sha256').update(JSON.stringify(content)).digest('base64').slice(0, 22);
  return { hash, ...content };
}

/**
 * Sends what a worker prints along with its results. A worker's own streams hand over one write and wait for
 * the parent's event loop before the next, so output comes late, out of order with results, or never when the
 * process ends (nodejs/node#30491). Here a write is on its way when `write` returns.
 */
import type { Writable } from 'node:stream';

type Write = (chunk: Buffer | string, encoding: BufferEncoding, done: (error?: Error | null) => void) => void;

export function captureOutput(send: (stream: 1 | 2, bytes: Uint8Array) => void): void {
  redirect(process.stdout, (bytes) => send(1, bytes));
  redirect(process.stderr, (bytes) => send(2, bytes));
}

function redirect(stream: Writable, send: (bytes: Uint8Array) => void): void {
  const target = stream as unknown as { _write: Write; _writev: null };
  target._writev = null;
  target._write = (chunk, encoding, done) => {
    send(typeof chunk === 'string' ? Buffer.from(chunk, encoding) : chunk);
    done();
  };
}

/** The pipe to the parent, where there is no shared memory: both threads write to it, in whole frames. */
import { writeSync } from 'node:fs';
import { sleep, withLock } from '../memory/index.js';

const PIPE = 4;

/**
 * Whole and at once: what has been written outlives this process. `lock`: a word that the threads share.
 * Where the pipe is broken, the parent is gone: `gone` ends the process.
 */
export function pipeWriter(
  lock: Int32Array,
  gone: () => void,
): (frames: Uint8Array, data?: Uint8Array) => void {
  const write = (bytes: Uint8Array): void => {
    for (let at = 0; at < bytes.byteLength; ) {
      try {
        at += writeSync(PIPE, bytes, at);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') return gone();
        sleep(1);
      }
    }
  };
  return (frames, data) => {
    withLock(lock, 0, () => {
      write(frames);
      if (data !== undefined) write(data);
    });
  };
}

/** How a worker died, in words and in numbers, from what its end left behind. */
import type { ExitReason } from '../../transport/index.js';
import { showBytes } from '../../util/show-bytes.js';

export interface Death {
  readonly words: string;
  /** Bytes, where memory was the cause. */
  readonly memoryUsed?: number | undefined;
  readonly memoryLimit?: number | undefined;
}

/** What V8 says when its heap is full, at the beginning of a line of its own. */
const HEAP_FULL = /^(?:FATAL ERROR: |# Fatal ).*(?:out of memory|Allocation failed)/m;
/** Of the collections that it tells of: the MB that were left in use. */
const IN_USE = /Mark-\w+[^\n]*-> ([\d.]+) \([\d.]+\) MB/g;

/** `heapLimit`: bytes, where one was set. */
export function deathOf(exit: ExitReason, heapLimit: number | undefined): Death {
  const how = howItEnded(exit);
  if (!isHeapFull(exit)) return { words: how };
  const used = heapInUse(exit.stderr);
  const is = used === undefined ? '' : ` of ${showBytes(used)}`;
  const may = heapLimit === undefined ? '' : `, which may be ${showBytes(heapLimit)} (maxHeap),`;
  const words = `out of memory: its JavaScript heap${is}${may} was full; ${how}`;
  return { words, memoryUsed: used, memoryLimit: heapLimit };
}

function isHeapFull({ error, code, signal, stderr }: ExitReason): boolean {
  // Of a thread Node itself says it.
  if (error !== undefined) return (error as { code?: unknown }).code === 'ERR_WORKER_OUT_OF_MEMORY';
  // A process prints it and aborts.
  return (signal !== undefined || (code ?? 0) > 128) && HEAP_FULL.test(stderr ?? '');
}

function heapInUse(stderr = ''): number | undefined {
  const last = [...stderr.matchAll(IN_USE)].at(-1);
  return last === undefined ? undefined : Number(last[1]) * 2 ** 20;
}

function howItEnded({ error, code, signal }: ExitReason): string {
  if (error instanceof Error) return `${error.name}: ${error.message}`;
  if (error !== undefined && error !== null) return String(error);
  if (signal === 'SIGKILL') return 'signal SIGKILL, which the system also sends where memory runs out';
  return signal === undefined ? `exit code ${code ?? 'unknown'}` : `signal ${signal}`;
}

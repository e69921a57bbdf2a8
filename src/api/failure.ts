/** A task's error as its caller sees it: itself, with the caller's frames beneath and the task it came from. */
import { SimulError, type TaskOrigin } from '../errors.js';
import { ownFolder } from '../util/own-folder.js';

/** The caller's stack, taken when the call is made and formatted only if it fails. */
export interface CallSite {
  readonly stack?: string;
}

/**
 * Taking a stack costs more than sending a small task. So where one function is called again and again in one go (a
 * loop), and two of the stacks taken turn out the same, the rest of that go is taken to come from there too.
 */
const TAKEN = 16;
let burst: { fn: Function; count: number; first: CallSite; shared: boolean } | undefined;

/** Where the call of `entry` (a public function) was made; `fn` is what is to be called. */
export function callSite(entry: Function, fn?: Function): CallSite {
  if (fn === undefined) return take(entry);
  if (burst === undefined || burst.fn !== fn) {
    if (burst === undefined) queueMicrotask(endBurst);
    burst = { fn, count: 1, first: take(entry), shared: false };
    return burst.first;
  }
  if (burst.shared) return burst.first;
  const site = take(entry);
  burst.count += 1;
  if (burst.count >= TAKEN) {
    burst.shared = site.stack === burst.first.stack;
    burst.count = 1;
    burst.first = site;
  }
  return site;
}

function endBurst(): void {
  burst = undefined;
}

function take(entry: Function): CallSite {
  const site: { stack?: string } = {};
  Error.captureStackTrace(site, entry);
  return site;
}

/** Frames of this package say nothing to its user. */
function isOwnFrame(line: string): boolean {
  const own = ownFolder();
  return (
    (own !== undefined && (line.includes(own.path) || line.includes(own.url))) ||
    /node:(?:internal\/|async_hooks)|\[worker eval\]/.test(line)
  );
}

/** A task may throw an error whose stack it has put to another use. */
function stackOf(error: Error): string {
  try {
    return typeof error.stack === 'string' ? error.stack : `${error.name}: ${error.message}`;
  } catch {
    return 'Error';
  }
}

/** Adds the frames of the call to the error's own, and `task`; anything but an error is left as it is. */
export function attribute(error: unknown, site: CallSite, origin: TaskOrigin): unknown {
  if (!(error instanceof Error)) return error;
  const frames =
    site.stack
      ?.split('\n')
      .slice(1)
      .filter((line) => !isOwnFrame(line)) ?? [];
  const stack = stackOf(error)
    .split('\n')
    .filter((line) => !isOwnFrame(line));
  define(error, 'stack', [...stack, ...frames].join('\n'));
  define(error, 'task', origin);
  return error;
}

/** An engine's own fault, raised for the task `origin`: one error may stand for many tasks, so each gets a copy. */
export function attributeFault(error: Error, site: CallSite, origin: TaskOrigin): Error {
  if (!(error instanceof SimulError) || error.constructor === SimulError) return error;
  const Type = error.constructor as new (message: string, options: ErrorOptions) => SimulError;
  // Its own fields are what its class takes as options.
  const options = { ...error, ...(error.cause === undefined ? {} : { cause: error.cause }) };
  // The engine counts ranges, which say nothing to the user.
  const range = origin.to === undefined ? '' : `; its range was [${origin.index}, ${origin.to})`;
  const copy = new Type(`${error.message}${range}`, options);
  const frames =
    site.stack
      ?.split('\n')
      .slice(1)
      .filter((line) => !isOwnFrame(line)) ?? [];
  define(copy, 'stack', [`${error.name}: ${copy.message}`, ...frames].join('\n'));
  define(copy, 'task', origin);
  return copy;
}

function define(error: Error, key: string, value: unknown): void {
  // False where the error is frozen: then it stays as it is.
  Reflect.defineProperty(error, key, { value, configurable: true, writable: true, enumerable: false });
}

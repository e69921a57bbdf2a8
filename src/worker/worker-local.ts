/** Values that each worker makes for itself: connections, models, caches. */
import { randomUUID } from 'node:crypto';
import { registerSpecial } from '../codec/index.js';
import { InvalidOptionError } from '../errors.js';

interface Local {
  readonly id: string;
  readonly create: () => unknown;
}

interface Made {
  value: unknown;
}

const locals = new WeakMap<Function, Local>();
const accessors = new Map<string, () => unknown>();
const made = new Map<string, Made>();

/**
 * A value that every worker makes once, on first use, and keeps until it ends: the place for database
 * handles, compiled models and other things that are dear to make and cannot travel. The returned function
 * can be captured by tasks; called in a worker it gives that worker's value (or, where `create` is async, its
 * promise). When the worker ends in peace, values with `Symbol.asyncDispose`, `Symbol.dispose` or a `close`
 * method are disposed of, last made first.
 *
 * @throws whatever `create` throws; the next use tries again.
 */
export function workerLocal<T>(create: () => T): () => T {
  if (typeof create !== 'function') {
    throw new InvalidOptionError(`workerLocal needs a function that makes the value, not ${typeof create}`);
  }
  return accessorFor({ id: randomUUID(), create }) as () => T;
}

function accessorFor(local: Local): () => unknown {
  const known = accessors.get(local.id);
  if (known !== undefined) return known;
  const accessor = (): unknown => {
    let entry = made.get(local.id);
    if (entry === undefined) {
      entry = { value: local.create() };
      made.set(local.id, entry);
      if (entry.value instanceof Promise) {
        entry.value.catch(() => {
          if (made.get(local.id) === entry) made.delete(local.id);
        });
      }
    }
    return entry.value;
  };
  locals.set(accessor, local);
  accessors.set(local.id, accessor);
  return accessor;
}

registerSpecial({
  name: 'workerLocal',
  match: (value) => typeof value === 'function' && locals.has(value),
  toData: (value) => {
    const local = locals.get(value as Function) as Local;
    return [local.id, local.create];
  },
  fromData: (data) => {
    const [id, create] = data as [string, () => unknown];
    return accessorFor({ id, create });
  },
});

/** Disposes of all values made in this thread, last made first. Failures do not stop the others. */
export async function disposeLocals(report: (error: unknown) => void): Promise<void> {
  const entries = [...made.values()].reverse();
  made.clear();
  for (const entry of entries) {
    try {
      await disposeOne(await entry.value);
    } catch (error) {
      report(error);
    }
  }
}

async function disposeOne(value: unknown): Promise<void> {
  if (value === null || (typeof value !== 'object' && typeof value !== 'function')) return;
  const target = value as Record<PropertyKey, unknown>;
  for (const key of [Symbol.asyncDispose, Symbol.dispose, 'close'] as const) {
    const method = key === undefined ? undefined : target[key];
    if (typeof method === 'function') {
      await method.call(value);
      return;
    }
  }
}

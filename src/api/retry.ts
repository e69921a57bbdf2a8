import { PoolClosedError, QueueFullError } from '../errors.js';
import type { RetryOptions, TaskOptions } from './options.js';

/** Whether a task that failed with `error` after `attempts` attempts is tried again: the pause before, in ms. */
export function retryDelay(
  retries: TaskOptions['retries'],
  error: unknown,
  attempts: number,
): number | undefined {
  if (retries === undefined || error instanceof PoolClosedError || error instanceof QueueFullError)
    return undefined;
  const rule: RetryOptions = typeof retries === 'number' ? { times: retries } : retries;
  if (attempts > rule.times) return undefined;
  if (rule.when !== undefined && !rule.when(error)) return undefined;
  return typeof rule.delay === 'function' ? rule.delay(attempts) : (rule.delay ?? 0);
}

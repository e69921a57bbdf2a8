import { AsyncLocalStorage } from 'node:async_hooks';
import { PoolClosedError, QueueFullError } from '../errors.js';
import type { RetryOptions, TaskOptions } from './options.js';

/** The same rule, with its functions in the async context of the call. */
export function boundRetries(retries: TaskOptions['retries']): TaskOptions['retries'] {
  if (typeof retries !== 'object') return retries;
  const { times, delay, when } = retries;
  return {
    times,
    ...(delay === undefined
      ? {}
      : { delay: typeof delay === 'function' ? AsyncLocalStorage.bind(delay) : delay }),
    ...(when === undefined ? {} : { when: AsyncLocalStorage.bind(when) }),
  };
}

export function mayTryAgain(retries: TaskOptions['retries']): boolean {
  return retries !== undefined && (typeof retries === 'number' ? retries : retries.times) > 0;
}

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

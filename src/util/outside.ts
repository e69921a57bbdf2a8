import { AsyncLocalStorage } from 'node:async_hooks';

/**
 * Runs `act` outside any call's async context. For what outlives the call that happens to begin it, such as workers and
 * the pool's own timers: they would keep that call's context, and hand it to others.
 */
export const outside: <R>(act: () => R) => R = AsyncLocalStorage.snapshot();

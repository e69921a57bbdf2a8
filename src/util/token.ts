import { threadId } from 'node:worker_threads';

/** Told apart from those of other threads even where V8's random numbers are the same in all (`--random-seed`). */
export const threadToken = `${Math.random().toString(36).slice(2, 10)}.${threadId}.`;

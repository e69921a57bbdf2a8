import type { ItemRunSpec } from './item-run-spec.js';
import { mayTryAgain } from './retry.js';

/** Why no call of the operation may run in the calling thread, whatever it costs; undefined where that depends. */
export function inlineRefusal(spec: ItemRunSpec): string | undefined {
  const { core, kind, options, pinned, around, pieces } = spec;
  if (around?.name === 'into' || around?.name === 'numbers')
    return 'option `into` is for workers, which write the results themselves';
  if (kind === 'fold' || around !== undefined || pieces !== undefined) {
    return 'only single calls of `map`, `stream` and `forEach` can run in the calling thread';
  }
  if (core.engine.ranHere === undefined)
    return 'the call was made in a task, and its calls run as tasks of the pool';
  if (core.ownFlags) return 'option `execArgv` may give workers what this thread has not';
  if (core.hasInit) return 'the pool has an `init`, which has run in its workers only';
  if (pinned >= 0) return 'the calls were meant for one worker';
  if (options.inline === false) return 'option `inline` is false';
  if (typeof options.chunk === 'number') return 'option `chunk` says how calls are to be sent';
  const set = (['timeout', 'queueTimeout', 'deadline', 'signal'] as const).find(
    (name) => options[name] !== undefined,
  );
  if (set !== undefined) return `option \`${set}\` needs a worker to hold to it`;
  return mayTryAgain(options.retries) ? 'option `retries` is for tasks of workers' : undefined;
}

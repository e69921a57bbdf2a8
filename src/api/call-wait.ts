/** A call that waits for its arguments: accepted, and sent once they are there. */
import type { Filled } from '../codec/index.js';
import { deadlineError } from '../engine/index.js';
import { LONGEST_TIMER } from '../util/longest-timer.js';
import { onAbort } from './abort.js';
import type { Call } from './call.js';
import { type CallView, callFilled } from './call-burst.js';
import type { Future } from './future.js';
import { Inputs, type InputsHost } from './inputs.js';
import { checkFunction } from './options.js';
import { limitsLeft, nextTask } from './pool-core.js';

/** @throws what keeps the call from being made */
export function callWithInputs(view: CallView, fn: Function, args: readonly unknown[], call: Call): CallWait {
  checkFunction('run', 'first argument', fn);
  const { signal } = view.options;
  if (signal?.aborted === true) throw signal.reason;
  view.core.engine.check();
  return new CallWait(view, fn, args, call);
}

export class CallWait implements InputsHost {
  readonly task = nextTask();
  readonly begunAt = performance.now();
  readonly #view: CallView;
  readonly #fn: Function;
  readonly #call: Call;
  readonly #inputs: Inputs;
  #timer: NodeJS.Timeout | undefined;
  #forgetSignal: (() => void) | undefined;

  constructor(view: CallView, fn: Function, args: readonly unknown[], call: Call) {
    const { core, options } = view;
    this.#view = view;
    this.#fn = fn;
    this.#call = call;
    this.#inputs = new Inputs(fn, args, core.engine, this);
    core.engine.accept();
    core.waiting.add(call);
    const { signal, deadline, name } = options;
    if (signal !== undefined) this.#forgetSignal = onAbort(signal, () => call.cancel(signal.reason));
    if (deadline === undefined || deadline === Number.POSITIVE_INFINITY) return;
    this.#timer = setTimeout(
      () => call.refused(deadlineError(name, deadline, this.#inputs.explain())),
      Math.min(deadline, LONGEST_TIMER),
    );
  }

  ready(item: Filled): void {
    this.#leave();
    const { options, limits } = this.#view;
    const left = limitsLeft(limits, performance.now() - this.begunAt);
    const view =
      left === limits
        ? this.#view
        : { ...this.#view, limits: left, options: { ...options, deadline: left.deadline } };
    try {
      callFilled(view, this.#fn, item, this.task, this.#call);
    } catch (error) {
      view.core.engine.withdraw();
      this.#call.refused(error);
    }
  }

  failed(error: unknown, input: Future<unknown>): void {
    this.#call.refused(error, input.state === 'cancelled' ? 'cancelled' : 'failed');
  }

  /** The call is settled. */
  forget(): void {
    if (!this.#leave()) return;
    this.#inputs.forget();
    this.#view.core.engine.withdraw();
  }

  explain(): string {
    return this.#inputs.explain();
  }

  /** It waits no more; false where it did not. */
  #leave(): boolean {
    clearTimeout(this.#timer);
    this.#forgetSignal?.();
    return this.#view.core.waiting.delete(this.#call);
  }
}

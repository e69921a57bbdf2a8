/** `map` and `forEach`: all outcomes of an operation, in input order. */
import { ItemRun } from './item-run.js';
import type { ItemReceiver, ItemRunSpec } from './item-run-spec.js';

export function collect(spec: ItemRunSpec): Promise<unknown[]> {
  const settle = spec.options.onError === 'settle';
  return new Promise((resolve, reject) => {
    const results: unknown[] = [];
    const receiver: ItemReceiver = {
      outcome: (index, ok, value) => {
        // Filled up to the index first: holes would make the array slow for its reader.
        while (results.length < index) results.push(undefined);
        results[index] = settle ? settled(ok, value) : value;
        run.read(1);
      },
      outcomes: (first, values) => {
        // Filled with a value of the same kind, which keeps an array of numbers one of numbers.
        while (results.length < first) results.push(values[0]);
        for (let i = 0; i < values.length; i++) {
          results[first + i] = settle ? settled(true, values[i]) : values[i];
        }
        run.read(values.length);
      },
      ended: () => resolve(results),
      failed: reject,
    };
    const run = new ItemRun(spec, receiver);
    run.start();
  });
}

/** Waits for the end and keeps no outcome; gives the number of items. */
export function drain(spec: ItemRunSpec): Promise<number> {
  return new Promise((resolve, reject) => {
    const run = new ItemRun(spec, {
      outcome: () => run.read(1),
      outcomes: (_first, values) => run.read(values.length),
      ended: resolve,
      failed: reject,
    });
    run.start();
  });
}

export function settled(ok: boolean, value: unknown): PromiseSettledResult<unknown> {
  return ok ? { status: 'fulfilled', value } : { status: 'rejected', reason: value };
}

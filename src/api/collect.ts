/** `map` and `forEach`: all outcomes of an operation, in input order. */
import { lengthOf } from './input.js';
import { ItemRun } from './item-run.js';
import type { ItemReceiver, ItemRunSpec } from './item-run-spec.js';
import { Results } from './results.js';

export function collect(spec: ItemRunSpec): Promise<unknown[]> {
  const settle = spec.options.onError === 'settle';
  return new Promise((resolve, reject) => {
    const results = new Results(lengthOf(spec.items));
    const receiver: ItemReceiver = {
      outcome: (index, ok, value) => {
        results.add(index, settle ? settled(ok, value) : value);
        run.read(1);
      },
      outcomes: (first, values) => {
        results.addMany(first, settle ? values.map((value) => settled(true, value)) : values);
        run.read(values.length);
      },
      ended: (count) => resolve(results.join(count)),
      failed: reject,
    };
    if (!settle) {
      receiver.column = (first, column) => {
        results.addColumn(first, column);
        run.read(column.count);
      };
    }
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
      column: (_first, { count }) => run.read(count),
      ended: resolve,
      failed: reject,
    });
    run.start();
  });
}

export function settled(ok: boolean, value: unknown): PromiseSettledResult<unknown> {
  return ok ? { status: 'fulfilled', value } : { status: 'rejected', reason: value };
}

/** Compiled, never run: what the calls infer where nothing is annotated. */
import {
  type Future,
  forEach,
  forRange,
  map,
  Pool,
  type PoolStats,
  type Progress,
  pool,
  put,
  type Random,
  type Ref,
  reduce,
  registerType,
  run,
  shared,
  stream,
  type Task,
  task,
  transfer,
  workerLocal,
} from 'simul';
import { exactly } from './equal.js';

interface Row {
  readonly id: string;
  readonly values: readonly number[];
}
declare const rows: readonly Row[];
declare const lines: AsyncIterable<string>;
class Model {
  predict(row: Row): { score: number } {
    return { score: row.values.length };
  }
}
const model = new Model();

export async function maps(): Promise<void> {
  exactly<{ score: number }[]>()(await map(rows, (row) => model.predict(row)));
  exactly<string[]>()(await map(rows, (row, index) => row.id + index));
  exactly<number[]>()(await map(rows, async (row) => row.values.length));
  exactly<('many' | undefined)[]>()(await map([1, 2], (n) => (n > 1 ? 'many' : undefined)));
  exactly<number[]>()(await map(new Set([1]), (n) => n * 2));
  exactly<[string, number][]>()(await map(new Map([['a', 1]]), (entry) => entry));
  exactly<string[]>()(await map(lines, (line) => line.trim()));
  exactly<string[]>()(await map('text', (letter) => letter.toUpperCase()));
  exactly<AsyncIterableIterator<number>[]>()(
    await map([1], function* (n) {
      yield n;
    }),
  );
  exactly<PromiseSettledResult<number>[]>()(await map([1], (n) => n, { onError: 'settle' }));
  exactly<number[]>()(await map([1], (n) => n, { onError: 'abort', chunk: 10, retries: { times: 2 } }));
  exactly<void>()(await forEach(rows, (row) => console.log(row.id)));
  const named = (row: Row): Row => ({ ...row, id: 'x' });
  exactly<Row[]>()(await map(rows, named));
  await map(rows, (row) => row.id, { onProgress: (progress) => exactly<Progress>()(progress) });
}

export async function runs(): Promise<void> {
  exactly<Future<number>>()(run(() => 1));
  exactly<number>()(await run((a: number, b: number) => a + b, 1, 2));
  exactly<string>()(await run(async (text: string) => text, 'a'));
  exactly<number>()(await run(Math.max, 1, 2, 3));
  exactly<Future<never>>()(
    run(() => {
      throw new Error('always');
    }),
  );
  exactly<Future<void>>()(run(() => {}));
  exactly<Future<number | undefined>>()(run((list: number[]) => list[0], [1]));
  exactly<Promise<string>>()(run(() => 1).then((n) => n.toFixed()));
  const numbers = run(function* (n: number) {
    for (let i = 0; i < n; i++) yield i;
  }, 3);
  for await (const n of numbers) exactly<number>()(n);
  for await (const text of await run(async function* () {
    yield 'a';
  })) {
    exactly<string>()(text);
  }
}

export async function streams(): Promise<void> {
  exactly<AsyncIterableIterator<number>>()(stream(rows, (row) => row.values.length));
  for await (const text of stream(lines, async (line) => line, { ordered: false })) exactly<string>()(text);
  for await (const result of stream([1], (n) => n, { onError: 'settle' })) {
    exactly<PromiseSettledResult<number>>()(result);
    if (result.status === 'fulfilled') exactly<number>()(result.value);
  }
}

export async function reductions(): Promise<void> {
  exactly<number>()(
    await reduce(
      rows,
      (sum, row) => sum + row.values.length,
      (a, b) => a + b,
      0,
    ),
  );
  exactly<Map<string, number>>()(
    await reduce(
      rows,
      (counts, row, index) => counts.set(row.id, index),
      (a, b) => new Map([...a, ...b]),
      new Map<string, number>(),
    ),
  );
}

export async function pools(): Promise<void> {
  await using own = new Pool({ workers: 2, init: async () => {}, tasksPerWorker: 4 });
  exactly<Pool>()(own.with({ timeout: 100 }));
  exactly<Pool>()(own.worker(0).with({ name: 'first' }));
  exactly<Pool>()(pool());
  exactly<number[]>()(await own.with({ retries: 1 }).map([1], (n) => n + 1));
  exactly<string>()(await own.worker(0).run((n: number) => String(n), 1));
  exactly<string[]>()(await own.each((name: string) => name, 'a'));
  exactly<number>()(
    await own.reduce(
      [1],
      (a, n) => a + n,
      (a, b) => a + b,
      0,
    ),
  );
  exactly<PoolStats>()(own.stats());
  exactly<Promise<void>>()(own.close());
  exactly<'pending' | 'running' | 'done' | 'failed' | 'cancelled'>()(own.run(() => 1).state);
}

export function inTasks(): void {
  exactly<Task>()(task());
  exactly<Random>()(task().random);
  exactly<number>()(task().random());
  exactly<AbortSignal>()(task().signal);
  const table = workerLocal(() => new Map([['a', 1]]));
  exactly<Map<string, number>>()(table());
  registerType({
    name: 'model',
    match: (value) => value instanceof Model,
    encode: (value: Model) => ({ label: String(value) }),
    decode: ({ label }) => {
      exactly<string>()(label);
      return new Model();
    },
  });
}

export async function inSharedMemory(): Promise<void> {
  exactly<Float64Array>()(shared(Float64Array, 10));
  exactly<Int32Array>()(shared(Int32Array, [1, 2]));
  exactly<Uint8ClampedArray>()(shared(Uint8ClampedArray, new Set([1])));
  exactly<Uint8Array>()(shared(Uint8Array, { length: 1, 0: 5 }));
  exactly<Float32Array>()(shared(Float32Array, new Float64Array(5)));
  exactly<BigInt64Array>()(shared(BigInt64Array, [1n]));
  exactly<BigUint64Array>()(shared(BigUint64Array, 5));
  const into = shared(Float64Array, 3);
  const bigs = shared(BigInt64Array, 1);
  exactly<Float64Array>()(await map([1, 2, 3], (n) => n / 2, { into }));
  exactly<Float64Array>()(await map(rows, async (row) => row.values.length, { into, retries: 1 }));
  exactly<BigInt64Array>()(await map([1], (n) => BigInt(n), { into: bigs }));
  exactly<void>()(
    await forRange(10, (from, to) => {
      exactly<number>()(from);
      into[from] = to;
    }),
  );
  await forRange(10, async () => {}, { chunk: 5, onError: 'settle', retries: 1, timeout: 10 });
  exactly<Float64Array>()(transfer(into));
  exactly<{ a: Uint8Array }>()(transfer({ a: new Uint8Array(5) as Uint8Array }));
  exactly<number>()(await run((array: Float64Array) => array.length, transfer(into)));
  exactly<Float64Array>()(await run(() => transfer(into)));
}

export async function refs(): Promise<void> {
  const ref = await put(rows);
  exactly<Ref<readonly Row[]>>()(ref);
  exactly<readonly Row[]>()(await ref.get());
  exactly<Future<number>>()(run((list: readonly Row[]) => list.length, ref));
  // Nothing is annotated: the parameter is what the ref stands for.
  exactly<string>()(await run((list, index) => list[index]!.id, ref, 1));
  exactly<string>()(await run((list: readonly Row[], kind: 'a' | 'b') => list[0]!.id + kind, rows, 'a'));
  exactly<number>()(await run((list: number[]) => list.length, []));
  exactly<number>()(await run((a?: number, ...rest: string[]) => (a ?? 0) + rest.length, 1, 'a', 'b'));
  const row = await put<Row>({ id: 'a', values: [1] });
  exactly<string[]>()(await map([row, row], (each) => each.id));
  exactly<string[]>()(await map([row, { id: 'b', values: [2] }], (each) => each.id));
  exactly<string[]>()(await map([row], (each: Row) => each.id));
  for await (const id of stream([row], (each) => each.id)) exactly<string>()(id);
  await forEach([row], (each) => exactly<Row>()(each));
  exactly<number>()(
    await reduce(
      [row, row],
      (sum, each) => sum + each.values.length,
      (a, b) => a + b,
      0,
    ),
  );
  // Inside other data it stays a ref.
  exactly<Promise<Row>>()(run((data: { row: Ref<Row> }) => data.row.get(), { row }).then((found) => found));
  exactly<Ref<Row>>()(await run(() => row));
  await using own = new Pool();
  exactly<Ref<number>>()(await own.put(1));
  exactly<string[]>()(await own.each((each: Row) => each.id, row));
  using short = await own.put('text');
  exactly<string>()(short.id);
}

/** Compiled, never run: what must not compile. */
import {
  forEach,
  forRange,
  map,
  Pool,
  put,
  reduce,
  registerType,
  run,
  shared,
  stream,
  task,
  transfer,
} from 'simul';

declare const rows: readonly { readonly id: string }[];

export async function refused(): Promise<void> {
  // @ts-expect-error the function takes numbers
  run((n: number) => n, 'one');
  // @ts-expect-error an argument is missing
  run((a: number, b: number) => a + b, 1);
  // @ts-expect-error an argument too many
  run(() => 1, 2);
  // @ts-expect-error no function
  run('text');
  // @ts-expect-error items are rows
  await map(rows, (n: number) => n);
  // @ts-expect-error rows have no such field
  await map(rows, (row) => row.name);
  // @ts-expect-error not iterable
  await map(5, (n) => n);
  // @ts-expect-error items may be missing
  await map(undefined as string[] | undefined, (text) => text);
  // @ts-expect-error the results are strings
  const numbers: number[] = await map(rows, (row) => row.id);
  // @ts-expect-error settled results are no values
  const values: string[] = await map(rows, (row) => row.id, { onError: 'settle' });
  // @ts-expect-error no such option
  await map(rows, (row) => row.id, { chunks: 5 });
  // @ts-expect-error a number of ms
  await map(rows, (row) => row.id, { timeout: '1s' });
  // @ts-expect-error neither abort nor settle
  await map(rows, (row) => row.id, { onError: 'ignore' });
  // @ts-expect-error no typed array
  await map([1], (n) => n, { into: [0] });
  // @ts-expect-error no constructor of typed arrays
  shared(Array, 5);
  // @ts-expect-error no numbers
  shared(DataView, 5);
  // @ts-expect-error an array of bigints
  shared(BigInt64Array, [1]);
  // @ts-expect-error texts
  shared(Float64Array, ['1']);
  // @ts-expect-error a length or values
  shared(Float64Array);
  // @ts-expect-error a number of indices, no items
  await forRange([1, 2], () => {});
  // @ts-expect-error indices are numbers
  await forRange(5, (from: string) => console.log(from));
  // @ts-expect-error an option of map
  await forRange(5, () => {}, { window: 5 });
  // @ts-expect-error one value at a time
  transfer(new Uint8Array(5), new Uint8Array(5));
  // @ts-expect-error times is missing
  await map(rows, (row) => row.id, { retries: { delay: 5 } });
  // @ts-expect-error an AbortSignal, not its controller
  await forEach(rows, (row) => row.id, { signal: new AbortController() });
  // @ts-expect-error a stream is read with for await
  for (const text of stream(rows, (row) => row.id)) console.log(text);
  const add = (a: number, b: number): number => a + b;
  const join = (a: string, b: string): string => a + b;
  // @ts-expect-error combine takes what step gives
  await reduce([1], add, join, 0);
  // @ts-expect-error step takes numbers
  await reduce(['a'], add, add, 0);
  // @ts-expect-error the initial value is missing
  await reduce([1], add, add);
  // @ts-expect-error no such option
  new Pool({ threads: 4 });
  // @ts-expect-error no such kind
  new Pool({ kind: 'fiber' });
  const pool = new Pool();
  // @ts-expect-error an option of collections, not of views
  pool.with({ chunk: 5 });
  // @ts-expect-error a number
  pool.worker('first');
  // @ts-expect-error the function takes a string
  await pool.each((name: string) => name, 5);
  // @ts-expect-error read only
  pool.stats().done = 5;
  // @ts-expect-error read only
  task().index = 5;
  // @ts-expect-error decode is missing
  registerType({ name: 'x', match: () => true, encode: (value: Date) => value.getTime() });
  const texts = await put(['a']);
  // @ts-expect-error the function takes numbers
  run((list: number[]) => list.length, texts);
  // @ts-expect-error the function takes a string
  run((text: string) => text, texts);
  // @ts-expect-error the value comes, not the ref
  run((ref) => ref.get(), texts);
  // @ts-expect-error an item is a list of texts
  await map([texts], (list: number[]) => list);
  // @ts-expect-error in data it stays a ref
  run((data: { list: string[] }) => data.list, { list: texts });
  // @ts-expect-error read only
  texts.id = 'b';
  // @ts-expect-error a future's result is to be awaited
  run(() => 1).toFixed();
  console.log(numbers, values);
}

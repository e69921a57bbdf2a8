/** Arrays that are joined in one step. */
const GROUP = 4096;

/**
 * The outcomes of an operation by their indices, as they come. Those that come many at a time are kept as they are and joined
 * at the end: one copy of memory, where putting each in its place in a large array costs several times as much.
 */
export class Results {
  readonly #pieces: { readonly first: number; readonly values: readonly unknown[] }[] = [];
  /** Those that came alone, each in its place. */
  readonly #single: unknown[] = [];
  #sorted = true;

  add(index: number, value: unknown): void {
    const single = this.#single;
    // Filled up to the index first: holes would make the array slow for its reader.
    while (single.length < index) single.push(undefined);
    single[index] = value;
  }

  /** The array is kept. */
  addMany(first: number, values: readonly unknown[]): void {
    const last = this.#pieces.at(-1);
    if (last !== undefined && last.first > first) this.#sorted = false;
    this.#pieces.push({ first, values });
  }

  /** All of them, once there is one for every index from 0 on. */
  join(): unknown[] {
    if (this.#single.length > 0) {
      for (const { first, values } of this.#pieces) {
        for (let i = 0; i < values.length; i++) this.add(first + i, values[i]);
      }
      return this.#single;
    }
    const pieces = this.#pieces;
    if (!this.#sorted) pieces.sort((a, b) => a.first - b.first);
    let arrays = pieces.map(({ values }) => values);
    while (arrays.length > 1) {
      const joined: unknown[][] = [];
      for (let at = 0; at < arrays.length; at += GROUP) {
        joined.push(([] as unknown[]).concat(...arrays.slice(at, at + GROUP)));
      }
      arrays = joined;
    }
    return (arrays[0] ?? []) as unknown[];
  }
}

/** From `from` up to, but not including, `to`. */
export type Range = readonly [from: number, to: number];

/** Whole numbers from 0, kept as ranges: as small as there are gaps. */
export class DoneSet {
  /** Sorted, disjoint, none touching the next. */
  readonly #ranges: [number, number][];

  constructor(ranges: readonly Range[] = []) {
    this.#ranges = ranges.map(([from, to]) => [from, to]);
  }

  get size(): number {
    return this.#ranges.reduce((sum, [from, to]) => sum + to - from, 0);
  }

  has(n: number): boolean {
    const range = this.#ranges[this.#after(n) - 1];
    return range !== undefined && n < range[1];
  }

  add(n: number): void {
    const at = this.#after(n);
    const before = this.#ranges[at - 1];
    const after = this.#ranges[at];
    if (before !== undefined && n < before[1]) throw new Error(`done set: ${n} is done already`);
    const joinsBefore = before?.[1] === n;
    const joinsAfter = after?.[0] === n + 1;
    if (joinsBefore && joinsAfter) {
      before[1] = after[1];
      this.#ranges.splice(at, 1);
    } else if (joinsBefore) before[1] = n + 1;
    else if (joinsAfter) after[0] = n;
    else this.#ranges.splice(at, 0, [n, n + 1]);
  }

  ranges(): Range[] {
    return this.#ranges.map(([from, to]) => [from, to]);
  }

  /** Position of the first range that begins after `n`. */
  #after(n: number): number {
    let low = 0;
    let high = this.#ranges.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#ranges[middle]![0] <= n) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

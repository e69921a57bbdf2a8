/** Objects up to this many are looked for one after the other, which beats a map. */
const FEW = 12;

/** The numbers of the objects of one item: 0 for the one that begins first, and so on. */
export class ObjectNumbers {
  readonly #few: (object | undefined)[] = new Array<object | undefined>(FEW).fill(undefined);
  #all: Map<object, number> | undefined;
  #count = 0;

  get count(): number {
    return this.#count;
  }

  /** The number of an object that had one, or -1: then it takes the next. */
  take(object: object): number {
    const known = this.find(object);
    if (known >= 0) return known;
    const number = this.#count++;
    if (number < FEW) this.#few[number] = object;
    if (this.#all !== undefined) this.#all.set(object, number);
    else if (number === FEW) this.#all = new Map([...this.#few, object].map((each, i) => [each!, i]));
    return -1;
  }

  /** -1 for none. */
  find(object: object): number {
    if (this.#all !== undefined) return this.#all.get(object) ?? -1;
    const few = this.#few;
    const count = this.#count;
    for (let i = 0; i < count; i++) if (few[i] === object) return i;
    return -1;
  }

  /** Forgets those from `count` on. */
  backTo(count: number): void {
    const few = this.#few;
    for (let i = count; i < this.#count && i < FEW; i++) few[i] = undefined;
    if (count <= FEW) this.#all = undefined;
    else if (this.#all !== undefined) {
      for (const [object, number] of this.#all) if (number >= count) this.#all.delete(object);
    }
    this.#count = count;
  }
}

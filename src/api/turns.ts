/**
 * Work that is done here in slices, with a turn of the event loop between them. However many there are that have such work,
 * together they take no longer than one slice between two turns.
 */

/** In ms. */
const SLICE = 3;

const waiting: ((end: number) => void)[] = [];
let planned = false;

function plan(): void {
  planned = true;
  setImmediate(() => {
    const end = performance.now() + SLICE;
    // What asks for another slice meanwhile gets it in the next turn.
    for (let left = waiting.length; left > 0 && performance.now() < end; left--) waiting.shift()!(end);
    planned = false;
    if (waiting.length > 0) plan();
  });
}

/** The slices of one operation. */
export class Turns {
  readonly #goOn: () => void;
  #end = 0;
  #asked = false;

  /** `goOn` is called when a slice begins. */
  constructor(goOn: () => void) {
    this.#goOn = goOn;
  }

  /** Whether this is no time to work: then a slice will come. */
  wait(): boolean {
    if (performance.now() < this.#end) return false;
    if (this.#asked) return true;
    this.#asked = true;
    waiting.push((end) => {
      this.#asked = false;
      this.#end = end;
      this.#goOn();
    });
    if (!planned) plan();
    return true;
  }
}

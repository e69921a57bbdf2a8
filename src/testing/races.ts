/**
 * Data races on shared memory, by vector clocks: two accesses of one byte by two actors, one of them plain and one a write, that
 * no chain of atomic operations orders. Exploring only the orders of atomic operations is sound where there is none, since
 * then no plain read can see anything but the last write before it in that order.
 *
 * As in the memory model of JavaScript, an atomic read is ordered after the very write whose value it sees, and no other.
 */

export type Clock = number[];

export function join(into: Clock, from: Clock): void {
  for (let i = 0; i < into.length; i++) if (from[i]! > into[i]!) into[i] = from[i]!;
}

/** Of each byte, for each actor: its time at its last access of each kind; 0 for never. */
const PLAIN_WRITE = 0;
const PLAIN_READ = 1;
const ATOMIC_WRITE = 2;
const ATOMIC_READ = 3;
const KINDS = 4;
/** Which kinds of earlier access an access must be ordered after. */
const CONFLICTS = [
  [PLAIN_WRITE, PLAIN_READ, ATOMIC_WRITE, ATOMIC_READ],
  [PLAIN_WRITE, ATOMIC_WRITE],
  [PLAIN_WRITE, PLAIN_READ],
  [PLAIN_WRITE],
];
const KIND_NAMES = ['write', 'read', 'atomic write', 'atomic read'];

export interface Race {
  readonly byte: number;
  readonly actor: number;
  readonly access: string;
  readonly other: number;
  readonly otherAccess: string;
}

export class Races {
  readonly #actors: number;
  readonly #clocks: Clock[];
  readonly #cells = new Map<number, Clock>();
  readonly #words = new Map<number, Clock>();

  constructor(actors: number) {
    this.#actors = actors;
    this.#clocks = Array.from({ length: actors }, (_, actor) => zeros(actors, actor));
  }

  /** An actor goes on: what it does from now on is later than what it has done. */
  tick(actor: number): void {
    const clock = this.#clocks[actor]!;
    clock[actor] = clock[actor]! + 1;
  }

  plain(actor: number, at: number, bytes: number, isWrite: boolean): Race | undefined {
    return this.#access(actor, at, bytes, isWrite ? PLAIN_WRITE : PLAIN_READ);
  }

  /** An atomic operation on the word at the byte `at`. */
  atomic(actor: number, at: number, bytes: number, reads: boolean, writes: boolean): Race | undefined {
    const clock = this.#clocks[actor]!;
    const last = this.#words.get(at);
    if (reads && last !== undefined) join(clock, last);
    if (writes) this.#words.set(at, clock.slice());
    return this.#access(actor, at, bytes, writes ? ATOMIC_WRITE : ATOMIC_READ);
  }

  /** An actor has seen that another has come this far: it was woken by it, or took its message. */
  follow(actor: number, seen: Clock): void {
    join(this.#clocks[actor]!, seen);
  }

  now(actor: number): Clock {
    return this.#clocks[actor]!.slice();
  }

  #access(actor: number, from: number, bytes: number, kind: number): Race | undefined {
    const clock = this.#clocks[actor]!;
    for (let byte = from; byte < from + bytes; byte++) {
      let cell = this.#cells.get(byte);
      if (cell === undefined) {
        cell = new Array<number>(KINDS * this.#actors).fill(0);
        this.#cells.set(byte, cell);
      }
      for (const before of CONFLICTS[kind]!)
        for (let other = 0; other < this.#actors; other++) {
          if (other === actor || cell[before * this.#actors + other]! <= clock[other]!) continue;
          return { byte, actor, access: KIND_NAMES[kind]!, other, otherAccess: KIND_NAMES[before]! };
        }
      cell[kind * this.#actors + actor] = clock[actor]!;
    }
    return undefined;
  }
}

function zeros(length: number, own: number): Clock {
  const clock = new Array<number>(length).fill(0);
  clock[own] = 1;
  return clock;
}

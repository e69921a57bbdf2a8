/** The shared memory of one execution: its buffers by number, so that a place has the same number in every execution. */
import { isWrite, type Operation, type Touches, type View } from './operations.js';

const LARGEST = 2 ** 26;

export class Memory {
  readonly #buffers = new Map<SharedArrayBuffer, number>();
  readonly #names = new Map<number, string>();

  register(buffer: SharedArrayBuffer): void {
    if (buffer.byteLength >= LARGEST) throw new RangeError('explorer: too much memory; shrink it');
    this.#buffers.set(buffer, this.#buffers.size);
  }

  /** The number of a byte. A word has that of its first byte; who waits at it is the place after that. */
  address(view: View, at: number): number {
    const buffer = this.#buffers.get(view.buffer as SharedArrayBuffer);
    if (buffer === undefined) throw new Error('explorer: shared memory that the set-up has not made');
    return buffer * LARGEST + view.byteOffset + at * view.BYTES_PER_ELEMENT;
  }

  name(view: View, at: number, name: string): void {
    this.#names.set(this.address(view, at), name);
  }

  nameOf(address: number): string {
    const known = this.#names.get(address) ?? this.#names.get(address - (address % 4));
    return known ?? `buffer ${Math.floor(address / LARGEST)}, byte ${address % LARGEST}`;
  }

  touches(operation: Operation): Touches {
    const { kind, view, at, port } = operation;
    if (port !== undefined) return [port.place, 1];
    if (view === undefined || at === undefined) return [];
    const address = this.address(view, at);
    switch (kind) {
      case 'wait':
      case 'waitAsync':
        return [address, 0, address + 1, 1];
      case 'notify':
      case 'timeout':
        return [address + 1, 1];
      case 'read':
      case 'write': {
        const touches: number[] = [];
        const word = address - (address % 4);
        for (let place = word; place < address + view.BYTES_PER_ELEMENT; place += 4)
          touches.push(place, kind === 'write' ? 1 : 0);
        return touches;
      }
      default:
        return [address, isWrite(kind) ? 1 : 0];
    }
  }
}

export const isShared = (value: unknown): value is View =>
  ArrayBuffer.isView(value) && value.buffer instanceof SharedArrayBuffer;

/** Does an operation on a word; the old value. */
export function apply({ kind, view, at, value, expected }: Operation): number {
  const words = view!;
  const old = words[at!]!;
  const next = changed(kind, old, value!, expected!);
  if (next !== undefined) words[at!] = next;
  return kind === 'store' ? value! : old;
}

function changed(kind: string, old: number, value: number, expected: number): number | undefined {
  switch (kind) {
    case 'load':
    case 'read':
      return undefined;
    case 'store':
    case 'write':
    case 'exchange':
      return value;
    case 'add':
      return old + value;
    case 'sub':
      return old - value;
    case 'or':
      return old | value;
    case 'and':
      return old & value;
    case 'xor':
      return old ^ value;
    case 'compareExchange':
      return old === expected ? value : undefined;
    default:
      throw new Error(`explorer: ${kind} on a word`);
  }
}

/** What an actor does with what it shares: it stops before each, and goes on with the outcome. */
import type { Clock } from './races.js';

export type View = Int32Array | Uint32Array | Uint8Array | Float64Array;

export type OperationKind =
  | 'load'
  | 'store'
  | 'add'
  | 'sub'
  | 'or'
  | 'and'
  | 'xor'
  | 'exchange'
  | 'compareExchange'
  | 'wait'
  | 'waitAsync'
  | 'notify'
  /** A plain access, where a scenario asks for a stop before it. */
  | 'read'
  | 'write'
  /** An event loop takes its next event. */
  | 'turn'
  | 'post'
  | 'receive'
  | 'listen'
  /** A wait's time is over. */
  | 'timeout';

export interface Operation {
  readonly kind: OperationKind;
  readonly view?: View;
  readonly at?: number;
  readonly value?: number;
  readonly expected?: number;
  readonly port?: Port;
  readonly message?: unknown;
  /** What it touches, for telling which operations commute; set once the operation is pending. */
  touches?: Touches;
}

/** Places (see `Memory`), each followed by 1 where the operation changes it, 0 where it only looks. */
export type Touches = readonly number[];

export function dependent(a: Touches, b: Touches): boolean {
  for (let i = 0; i < a.length; i += 2)
    for (let j = 0; j < b.length; j += 2) {
      if (a[i] === b[j] && (a[i + 1] === 1 || b[j + 1] === 1)) return true;
    }
  return false;
}

/** Operations on the way. */
export type Steps<T> = Generator<Operation, T, unknown>;

/** One end of a channel, as a `MessagePort`. */
export class Port {
  readonly place: number;
  /** What has been sent and not taken, with how far the sender had come. */
  readonly queue: { message: unknown; seen: Clock }[] = [];
  peer: Port = this;
  listener: ((message: unknown) => unknown) | undefined;

  constructor(place: number) {
    this.place = place;
  }

  *postMessage(message: unknown): Steps<void> {
    yield { kind: 'post', port: this.peer, message };
  }

  /** To be called in the actor whose event loop is to take the messages. */
  *on(_event: 'message', listener: (message: unknown) => unknown): Steps<void> {
    this.listener = listener;
    yield { kind: 'listen', port: this };
  }
}

export function* receiveMessageOnPort(port: Port): Steps<{ message: unknown } | undefined> {
  return (yield { kind: 'receive', port }) as { message: unknown } | undefined;
}

export const isWrite = (kind: OperationKind): boolean =>
  !['load', 'wait', 'waitAsync', 'notify', 'read', 'timeout', 'turn', 'post', 'receive', 'listen'].includes(
    kind,
  );

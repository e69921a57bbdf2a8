import { type AssetStore, ClassScope, type Packed, unpacker } from '../codec/index.js';
import { EngineError } from '../errors.js';
import { fromWire, type OperationHead, type WirePacked } from '../protocol/index.js';
import { functionOf } from './around.js';

/** An operation this worker has a share in, with its own copy of the operation's function. */
export interface Operation {
  readonly head: OperationHead;
  /** False for calls that bring their functions with them. */
  readonly hasFunction: boolean;
  /** The function may keep what it sees beyond a call; known once there is an instance. */
  readonly keeps: boolean;
  /** The operation's function, decoded at first use: one copy for this operation and this worker. */
  instance(): Function;
  /** Classes by value are the same for all items of an operation; each call is an operation of its own. */
  classes(): ClassScope;
}

export class Operations {
  readonly #known = new Map<number, Operation>();
  readonly #assets: AssetStore;

  constructor(assets: AssetStore) {
    this.#assets = assets;
  }

  define(head: OperationHead, fn: WirePacked | undefined): void {
    const packed = fn === undefined ? undefined : fromWire(fn, this.#assets);
    this.#known.set(head.id, operation(head, packed, this.#assets));
  }

  get(id: number): Operation {
    const found = this.#known.get(id);
    if (found === undefined) throw new EngineError(`operation ${id} is not known to this worker`);
    return found;
  }

  forget(id: number): void {
    this.#known.delete(id);
  }
}

function operation(head: OperationHead, packed: Packed | undefined, assets: AssetStore): Operation {
  let made: Function | undefined;
  let keeps = packed !== undefined;
  const classes = new ClassScope();
  return {
    head,
    hasFunction: packed !== undefined,
    get keeps() {
      return keeps;
    },
    instance: () => {
      if (made === undefined) {
        if (packed === undefined) throw new EngineError(`operation ${head.id} came without its function`);
        const reader = unpacker(packed.bytes, packed.extras, assets, classes);
        made = functionOf(reader.itemAt(0, packed.bytes.byteLength));
        keeps = reader.keeps;
      }
      return made;
    },
    classes: () => (head.kind === 'call' ? new ClassScope() : classes),
  };
}

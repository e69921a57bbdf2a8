import { SerializationError } from '../../errors.js';
import { freshSharedCopyOf } from '../../util/large-pages.js';
import type { Packed } from '../packed.js';
import { type EncodeOptions, Encoder } from './encoder.js';

const NOTHING: readonly never[] = [];

/** Encoders to use again: packing can happen inside packing (a type's own functions). */
const spare: Encoder[] = [];

/** Encodes items one behind the other, each with its own identity, sharing what goes beside the bytes. */
export class Packer {
  readonly #options: EncodeOptions;
  #encoder: Encoder;

  constructor(options: EncodeOptions = {}) {
    this.#options = options;
    const encoder = spare.pop() ?? new Encoder();
    encoder.at = 0;
    encoder.exact = options.exact === true;
    encoder.moved = options.moved === true;
    encoder.stored = options.stored === true;
    encoder.viewed = false;
    encoder.apart = options.apart === true;
    encoder.path = undefined;
    encoder.classes = options.classes;
    encoder.beside = 0;
    this.#encoder = encoder;
  }

  /** Bytes so far: where the next item begins. */
  get length(): number {
    return this.#encoder.at;
  }

  /** Bytes so far, those beside the others included. */
  get weight(): number {
    return this.#encoder.at + this.#encoder.beside;
  }

  /** Something of it is moved, and can be sent once only. */
  get moves(): boolean {
    return this.#encoder.transfer.length > 0;
  }

  /**
   * `owned`: nobody but the receiver will see the value again.
   * @throws SerializationError naming the value and the path to it; the packer goes on without the item
   */
  item(value: unknown, owned = false): void {
    const encoder = this.#encoder;
    if (typeof value !== 'object' && typeof value !== 'function') return encoder.value(value);
    encoder.owned = owned;
    try {
      encoder.item(value);
    } catch (error) {
      throw this.#explained(error, value);
    }
  }

  /** As {@link item}, of a list that was made for it: arguments as a function gets them. */
  list(values: readonly unknown[]): void {
    const encoder = this.#encoder;
    encoder.dense = values;
    try {
      this.item(values);
    } finally {
      encoder.dense = undefined;
    }
  }

  /** Walks once more, watching the path, to say where it went wrong. */
  #explained(error: unknown, value: unknown): unknown {
    if (error instanceof RangeError && /call stack/i.test(error.message)) {
      return new SerializationError(`cannot send ${this.#label}: it is nested too deeply`, { cause: error });
    }
    if (!(error instanceof SerializationError)) return error;
    const scout = new Encoder();
    scout.exact = this.#options.exact === true;
    scout.apart = this.#options.apart === true;
    scout.path = [];
    try {
      scout.item(value);
    } catch {
      return explain(this.#options, scout.path, error);
    }
    return error;
  }

  get #label(): string {
    return this.#options.label ?? 'value';
  }

  /** The items are bytes alone: nothing goes beside them. */
  get isPlain(): boolean {
    const { extras, assets, modules } = this.#encoder;
    return extras.length === 0 && assets.size === 0 && modules.size === 0;
  }

  /** Something goes beside the bytes that every receiver has to be given. */
  get hasExtras(): boolean {
    return this.#encoder.extras.length > 0;
  }

  /** The bytes of plain items, instead of {@link finish}; the packer begins anew. */
  copyTo(target: Uint8Array, at: number): void {
    const encoder = this.#encoder;
    const { bytes, at: length } = encoder;
    // Most results are small, and a view costs more than a few bytes copied by hand.
    if (length <= 32) for (let i = 0; i < length; i++) target[at + i] = bytes[i]!;
    else target.set(bytes.subarray(0, length), at);
    encoder.at = 0;
  }

  finish(): Packed {
    const encoder = this.#encoder;
    const packed: Packed = {
      bytes: copyOf(encoder.bytes.subarray(0, encoder.at), this.#options.stored === true),
      // Not the encoder's own empty lists: what it writes next would turn up in them.
      extras: encoder.extras.length === 0 ? NOTHING : encoder.extras,
      transfer: encoder.transfer.length === 0 ? NOTHING : encoder.transfer,
      assets: encoder.assets.size === 0 ? [] : [...encoder.assets.values()],
      modules: encoder.modules.size === 0 ? [] : [...encoder.modules.values()],
    };
    if (encoder.extras.length > 0) encoder.extras = [];
    if (encoder.transfer.length > 0) encoder.transfer = [];
    if (encoder.assets.size > 0) encoder.assets = new Map();
    if (encoder.modules.size > 0) encoder.modules = new Map();
    if (encoder.bytes.length <= 1 << 22) spare.push(encoder);
    this.#encoder = undefined as never;
    return packed;
  }
}

/** From plain memory, unless it is shared: small slices of Node's slab would drag the slab along. */
function copyOf(bytes: Uint8Array, shared: boolean): Uint8Array {
  return shared ? new Uint8Array(freshSharedCopyOf(bytes)) : new Uint8Array(bytes);
}

/** `connection → .options.agent`: names of variables by arrows, properties as they are written. */
function explain(
  options: EncodeOptions,
  path: readonly string[],
  error: SerializationError,
): SerializationError {
  const part = /^\[(\d+)\]$/.exec(path[0] ?? '')?.[1];
  const name = part === undefined ? undefined : options.parts?.[Number(part)];
  const rest = name === undefined ? path : path.slice(1);
  const first = rest[0] ?? '';
  // A captured variable says more than the function that captures it.
  const isVariable = first !== '' && !isProperty(first) && !first.startsWith(' ');
  const steps = isVariable ? rest : [name ?? options.label ?? 'value', ...rest];
  let shown = steps[0]!;
  let plain = steps[0]!;
  for (let i = 1; i < steps.length; i++) {
    const each = steps[i]!;
    shown += isProperty(each) && isProperty(steps[i - 1]!) ? each : ` → ${each.trim()}`;
    plain += isProperty(each) || each.startsWith(' ') ? each : ` → ${each}`;
  }
  return new SerializationError(`cannot send ${shown}: ${error.message}`, {
    // A function's refusal says by itself which of its variables is at fault.
    path: error.path === undefined ? plain : isVariable ? `${plain} → ${error.path}` : error.path,
    ...(error.cause === undefined ? {} : { cause: error.cause }),
  });
}

function isProperty(step: string): boolean {
  return step.startsWith('.') || step.startsWith('[');
}

export function pack(value: unknown, options?: EncodeOptions): Packed {
  const packer = new Packer(options);
  packer.item(value);
  return packer.finish();
}

export function packExact(value: unknown, label: string): Packed {
  return pack(value, { exact: true, label });
}

/** Any thrown value; never throws itself. What cannot travel is described by its message. `apart`: to another process. */
export function packError(error: unknown, apart: boolean): Packed {
  try {
    return pack(error, { moved: true, label: 'error', apart });
  } catch (why) {
    const shown = describe(error);
    return pack(new Error(`${shown} (it was thrown and cannot be sent itself: ${describe(why)})`), {
      moved: true,
      apart,
    });
  }
}

function describe(value: unknown): string {
  try {
    return value instanceof Error ? `${value.name}: ${value.message}` : String(value);
  } catch {
    return Object.prototype.toString.call(value);
  }
}

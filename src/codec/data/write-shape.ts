/**
 * Plain objects with the same keys in the same order, written by code made for them. Their keys stand before the
 * values as one block of bytes with a fingerprint, ready to be copied, and the reader knows the block again: so each
 * object is still complete by itself, and its chunk can be cut anywhere.
 */
import { ByteWriter, LITTLE } from './byte-writer.js';
import type { Encoder } from './encoder.js';
import { generate } from './generate.js';
import { Tag } from './tags.js';

/** Writes an object of one shape. */
type WriteShaped = (encoder: Encoder, value: Record<string, unknown>) => void;

/** Keys so far, as a tree. */
class Node {
  key = '';
  next: Node | undefined;
  others: Map<string, Node> | undefined;
  uses = 0;
  shape: WriteShaped | null | undefined;
}

/** Objects of a shape before code is made for it. */
const WARM = 8;
const MOST_KEYS = 100;
const LONGEST_KEY = 64;
const MOST_NODES = 4096;

let root = new Node();
let nodes = 0;
let lastKeys: readonly string[] = [];
let lastShape: WriteShaped | undefined;

/** The shape for these keys, once it has been seen a few times; undefined for what has none. */
export function shapeOf(keys: readonly string[]): WriteShaped | undefined {
  const { length } = keys;
  // Most often the same as last time.
  if (length === lastKeys.length) {
    let i = 0;
    while (i < length && keys[i] === lastKeys[i]) i++;
    if (i === length) return lastShape;
  }
  if (length > MOST_KEYS) return undefined;
  let node = root;
  for (let i = 0; i < length; i++) {
    const key = keys[i]!;
    if (node.key !== key || node.next === undefined) {
      const other = branch(node, key);
      if (other === undefined) return undefined;
      node.key = key;
      node.next = other;
    }
    node = node.next;
  }
  if (node.shape === undefined) {
    node.uses += 1;
    if (node.uses < WARM) return undefined;
    node.shape = makeShape(keys);
  }
  if (node.shape === null) return undefined;
  lastKeys = keys;
  lastShape = node.shape;
  return lastShape;
}

function branch(node: Node, key: string): Node | undefined {
  const known = node.others?.get(key);
  if (known !== undefined) return known;
  if (key.length > LONGEST_KEY) return undefined;
  if (nodes >= MOST_NODES) {
    // Keys that are data, such as ids: whatever is worth it comes back soon.
    root = new Node();
    nodes = 0;
    return undefined;
  }
  nodes += 1;
  const made = new Node();
  node.others ??= new Map();
  node.others.set(key, made);
  return made;
}

/** Null for keys that an object literal would put elsewhere or take for something else. */
function makeShape(keys: readonly string[]): WriteShaped | null {
  if (keys.length === 0 || keys.some((key) => key === '__proto__' || /^\d/.test(key))) return null;
  const writer = new ByteWriter(1024);
  writer.u8(Tag.shape);
  writer.u32(0);
  writer.u16(0);
  const start = writer.at;
  writer.u8(keys.length);
  for (const key of keys) writer.string(key, Tag.latin1, Tag.latin1Long, Tag.utf16);
  const head = new Uint8Array(writer.bytes.subarray(0, writer.at));
  const view = new DataView(head.buffer);
  view.setUint32(1, fingerprint(head, start), true);
  view.setUint16(5, head.length - start, true);
  return generatedWriter(keys, head) ?? plainWriter(keys, head);
}

/** Little-endian, the last one filled up with zeros. */
export function toWords(bytes: Uint8Array): Int32Array {
  const words = new Int32Array((bytes.length + 3) >> 2);
  for (let i = 0; i < bytes.length; i++) words[i >> 2]! |= bytes[i]! << ((i & 3) * 8);
  return words;
}

function fingerprint(bytes: Uint8Array, from: number): number {
  let hash = 0x811c9dc5;
  for (let i = from; i < bytes.length; i++) hash = Math.imul(hash ^ bytes[i]!, 0x01000193);
  return (hash ^ (hash >>> 15)) >>> 0;
}

/** Numbers are written on the spot: a call for each would take longer than all the rest. */
function generatedWriter(keys: readonly string[], head: Uint8Array): WriteShaped | undefined {
  const { length } = keys;
  const words = Array.from(toWords(head), (word, i) => `d.setInt32(at + ${i * 4}, ${word}, true);`);
  const values = keys.map(
    (key, i) => `
    x = v[${JSON.stringify(key)}];
    if (typeof x === 'number') {
      if ((x | 0) === x && (x !== 0 || 1 / x > 0)) {
        b[at] = ${Tag.int32}; d.setInt32(at + 1, x, true); at += 5;
      } else {
        b[at] = ${Tag.double}; d.setFloat64(at + 1, x, ${LITTLE}); at += 9;
      }
    } else {
      e.at = at;
      if (!e.slot(x)) flat = false;
      e.need(${(length - i) * 9});
      at = e.at; b = e.bytes; d = e.view;
    }`,
  );
  return generate<WriteShaped>(
    ['e', 'v'],
    `const start = e.at;
    e.need(${words.length * 4 + length * 9});
    let at = start, b = e.bytes, d = e.view, flat = true, x;
    ${words.join('\n')}
    at += ${head.length};
    ${values.join('\n')}
    e.at = at;
    if (flat) b[start] = ${Tag.flat};`,
  );
}

function plainWriter(keys: readonly string[], head: Uint8Array): WriteShaped {
  return (encoder, value) => {
    const start = encoder.at;
    encoder.raw(head);
    let flat = true;
    for (let i = 0; i < keys.length; i++) flat = encoder.slot(value[keys[i]!]) && flat;
    if (flat) encoder.bytes[start] = Tag.flat;
  };
}

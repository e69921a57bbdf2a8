/** In place of V8's serializer: a message is its type, its slot, its index and how much of it is done, four bytes each, and some more. */
const LENGTH = 10;
const TYPES = ['progress', 'stop'];

interface Message {
  readonly type: string;
  readonly slot?: number;
  readonly index?: number;
  readonly done?: number;
}

/** The first four bytes: no buffers. */
export function serialize(message: Message): { head: Uint8Array; body: [] } {
  const { type, slot = 0, index = 0, done = 0 } = message;
  const words = new Int32Array(LENGTH);
  words[1] = TYPES.indexOf(type);
  words[2] = slot;
  words[3] = index;
  words[4] = done;
  return { head: new Uint8Array(words.buffer), body: [] };
}

export function deserialize(head: Uint8Array): Message {
  const [, type, slot, index, done] = new Int32Array(head.buffer);
  return { type: TYPES[type!]!, slot: slot!, index: index!, done: done! };
}

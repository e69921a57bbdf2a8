/**
 * Which class a copy of a class stands for. A class sent by value gets a tag; whoever decodes it remembers the tag
 * of its copy, and the side that made the tag finds its own class by it. So `instanceof` holds after a round trip
 * (cloudpickle tracks dynamic classes likewise: cloudpickle#195).
 */
import { randomUUID } from 'node:crypto';

const token = randomUUID().slice(0, 8);
let made = 0;
const tags = new WeakMap<Function, string>();
const classes = new Map<string, WeakRef<Function>>();
const cleanup = new FinalizationRegistry<string>((tag) => classes.delete(tag));

export function tagOf(type: Function): string {
  let tag = tags.get(type);
  if (tag === undefined) {
    tag = `${token}#${++made}`;
    tags.set(type, tag);
    classes.set(tag, new WeakRef(type));
    cleanup.register(type, tag);
  }
  return tag;
}

/** The class to use for a decoded copy: this side's own where the tag is this side's. */
export function ownOrCopy(tag: string, copy: Function): Function {
  const own = tag.startsWith(`${token}#`) ? classes.get(tag)?.deref() : undefined;
  if (own !== undefined) return own;
  tags.set(copy, tag);
  return copy;
}

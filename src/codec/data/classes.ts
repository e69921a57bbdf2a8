/**
 * Which class a copy of a class stands for. A class sent by value gets a tag, whoever decodes it remembers the tag of
 * its copy, and the side that made the tag finds its own class by it. So `instanceof` holds after a round trip
 * (cloudpickle tracks dynamic classes likewise: cloudpickle#195), and within an operation on a worker, where the
 * function and its items come in messages of their own.
 */
import { threadToken } from '../../util/token.js';

let made = 0;
const tags = new WeakMap<Function, string>();
/** Classes of this side, and copies that were sent on from here: what comes back is to be theirs. */
const sent = new Map<string, WeakRef<Function>>();
const cleanup = new FinalizationRegistry<string>((tag) => {
  if (sent.get(tag)?.deref() === undefined) sent.delete(tag);
});

/** The tag of a class or copy. `forResults`: what comes back with this tag is to be of this copy. */
export function tagOf(type: Function, forResults: boolean): string {
  const known = tags.get(type);
  const tag = known ?? `${threadToken}${++made}`;
  tags.set(type, tag);
  if (known === undefined || (forResults && sent.get(tag)?.deref() !== type)) {
    sent.set(tag, new WeakRef(type));
    cleanup.register(type, tag);
  }
  return tag;
}

/** The copies of classes that belong together: those of one operation, or of all registered types. */
export class ClassScope {
  readonly #behind: ClassScope | null;
  #copies: Map<string, Function> | undefined;
  #shared: Map<string, Function> | undefined;
  /** How often it has begun anew. */
  age = 0;

  constructor(behind: ClassScope | null = typeClasses) {
    this.#behind = behind;
  }

  /** The class to use for a tag, where there is one already. */
  find(tag: string): Function | undefined {
    const own = tag.startsWith(threadToken) ? sent.get(tag)?.deref() : undefined;
    return own ?? this.#copies?.get(tag) ?? this.#behind?.find(tag);
  }

  /** Begins anew: what comes now is another operation's. */
  clear(): void {
    this.age += 1;
    this.#copies = undefined;
    this.#shared = undefined;
  }

  /** The class that an asset holds, where it has been made. */
  shared(hash: string): Function | undefined {
    return this.#shared?.get(hash);
  }

  share(hash: string, type: Function): void {
    this.#shared ??= new Map();
    this.#shared.set(hash, type);
  }

  add(tag: string, copy: Function): void {
    tags.set(copy, tag);
    this.#copies ??= new Map();
    this.#copies.set(tag, copy);
  }
}

/** Results: what was sent from here comes back as itself. */
class ResultClasses extends ClassScope {
  override find(tag: string): Function | undefined {
    return sent.get(tag)?.deref() ?? super.find(tag);
  }

  override add(tag: string, copy: Function): void {
    tags.set(copy, tag);
    tagOf(copy, true);
  }

  /** Made of its asset each time, and found by its tag then: nothing is kept alive. */
  override share(): void {}
}

/** Registered types are the same in all operations, so their classes are too. */
export const typeClasses: ClassScope = new ClassScope(null);
export const resultClasses: ClassScope = new ResultClasses();

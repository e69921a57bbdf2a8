/**
 * Who wants to know when a promise is settled. One reaction a promise, however often it is asked about: to wait for the first of
 * a thousand futures, a thousand times, would leave half a million reactions behind.
 */
type Hear = (state: 'done' | 'failed', given: unknown) => void;

interface Settling {
  readonly hearers: Set<Hear>;
}

const watched = new WeakMap<PromiseLike<unknown>, Settling>();

/** Calls `hear` once the promise is settled, never at once; the function given back forgets it. */
export function onSettled(promise: PromiseLike<unknown>, hear: Hear): () => void {
  const settling = watched.get(promise) ?? watch(promise);
  settling.hearers.add(hear);
  return () => settling.hearers.delete(hear);
}

function watch(promise: PromiseLike<unknown>): Settling {
  const settling: Settling = { hearers: new Set() };
  watched.set(promise, settling);
  const tell =
    (state: 'done' | 'failed') =>
    (given: unknown): void => {
      // Whoever asks from now on needs a reaction of its own.
      watched.delete(promise);
      for (const hear of settling.hearers) hear(state, given);
      settling.hearers.clear();
    };
  promise.then(tell('done'), tell('failed'));
  return settling;
}

type Hear = (state: 'done' | 'failed', given: unknown) => void;

/**
 * Who wants to know when a promise is settled. One reaction a promise, however often it is asked about: to wait for the first of
 * a thousand futures, a thousand times, would leave half a million reactions behind.
 */
const watched = new WeakMap<PromiseLike<unknown>, Set<Hear>>();

/** Calls `hear` once the promise is settled, never at once; the function given back forgets it. */
export function onSettled(promise: PromiseLike<unknown>, hear: Hear): () => void {
  const hearers = watched.get(promise) ?? watch(promise);
  hearers.add(hear);
  return () => hearers.delete(hear);
}

function watch(promise: PromiseLike<unknown>): Set<Hear> {
  const hearers = new Set<Hear>();
  watched.set(promise, hearers);
  const tell =
    (state: 'done' | 'failed') =>
    (given: unknown): void => {
      // Whoever asks from now on needs a reaction of its own.
      watched.delete(promise);
      for (const hear of hearers) hear(state, given);
      hearers.clear();
    };
  promise.then(tell('done'), tell('failed'));
  return hearers;
}

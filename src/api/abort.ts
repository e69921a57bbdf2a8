/**
 * One listener a signal, however many calls it serves: thousands of calls share a request's signal, and Node warns of
 * a leak from the eleventh listener on.
 */
const heard = new WeakMap<AbortSignal, Set<() => void>>();

/** Calls `act` once when the signal aborts; the function given back forgets it. */
export function onAbort(signal: AbortSignal, act: () => void): () => void {
  let acts = heard.get(signal);
  if (acts === undefined) {
    acts = new Set();
    heard.set(signal, acts);
  }
  if (acts.size === 0) signal.addEventListener('abort', tellAll);
  acts.add(act);
  const all = acts;
  return () => {
    all.delete(act);
    if (all.size === 0) signal.removeEventListener('abort', tellAll);
  };
}

function tellAll(this: AbortSignal): void {
  const acts = heard.get(this);
  this.removeEventListener('abort', tellAll);
  if (acts === undefined) return;
  for (const act of [...acts]) act();
  acts.clear();
}

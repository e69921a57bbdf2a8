/** The specifier under which the package's own functions travel; no bundler or loader can tell its copies apart. */
export const selfSpecifier = 'simul:self';

const names = new Map<object, string>();
let provide: ((name: string) => unknown) | undefined;

/** Makes the package's own functions and objects known, so that they are recognised by identity. */
export function markSelf(values: Readonly<Record<string, object>>): void {
  for (const [name, value] of Object.entries(values)) names.set(value, name);
}

/** Sets what a worker gives for the names of {@link markSelf}. Without it this side's own marks are used. */
export function provideSelf(resolve: (name: string) => unknown): void {
  provide = resolve;
}

export function selfName(value: object): string | undefined {
  return names.get(value);
}

export function resolveSelf(name: string): unknown {
  const provided = provide?.(name);
  if (provided !== undefined) return provided;
  for (const [value, own] of names) if (own === name) return value;
  return undefined;
}

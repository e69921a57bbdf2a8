/** True where both types are the same, `any` and optional members included. */
export type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;

/** Does not compile where the value's type is not exactly `T`; takes the value so that `T` alone is written. */
export function exactly<T>() {
  return <V>(_value: V, ..._same: Equal<T, V> extends true ? [] : [expected: T]): void => {};
}

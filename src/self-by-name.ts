/** This package's own functions by their names, for workers. Apart, so that a worker loads them when it is asked. */
import * as self from './index.js';

export function selfByName(name: string): unknown {
  return (self as Readonly<Record<string, unknown>>)[name];
}

let refused = false;

/** A function made of text; undefined where the process does not let text become code, which stays so. */
export function generate<T extends Function>(parameters: readonly string[], body: string): T | undefined {
  if (refused) return undefined;
  try {
    return new Function(...parameters, `"use strict";${body}`) as unknown as T;
  } catch {
    refused = true;
    return undefined;
  }
}

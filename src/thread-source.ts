/** Replaced by the build with the worker as one file, for programs that were bundled. */
export const source: string = '';

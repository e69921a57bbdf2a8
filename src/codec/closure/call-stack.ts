import { pathOf } from './paths.js';

function callSites(): NodeJS.CallSite[] {
  const prepare = Error.prepareStackTrace;
  const limit = Error.stackTraceLimit;
  try {
    Error.stackTraceLimit = 1000;
    Error.prepareStackTrace = (_error, sites) => sites;
    const sites = new Error('sites').stack as unknown;
    return Array.isArray(sites) ? (sites as NodeJS.CallSite[]) : [];
  } finally {
    Error.prepareStackTrace = prepare;
    Error.stackTraceLimit = limit;
  }
}

/**
 * True while the top level of a module file is on this stack. Only the top level is enclosed by line 1,
 * column 1; where V8 does not tell, any anonymous frame of the file counts, which errs towards by value.
 */
export function isEvaluating(path: string): boolean {
  return callSites().some((site) => {
    const file = site.getFileName();
    if (!file || site.getFunctionName() !== null || pathOf(file) !== path) return false;
    const more = site as NodeJS.CallSite & {
      getEnclosingLineNumber?(): number;
      getEnclosingColumnNumber?(): number;
    };
    const line = more.getEnclosingLineNumber?.();
    const column = more.getEnclosingColumnNumber?.();
    return line === undefined || (line === 1 && column === 1);
  });
}

/** The files on this stack that are not Node's or this package's own, innermost first. */
export function callingFiles(ownFolder: string | undefined): string[] {
  const files = callSites()
    .map((site) => site.getFileName())
    .filter((file): file is string => typeof file === 'string' && !file.startsWith('node:'))
    .filter((file) => ownFolder === undefined || !(pathOf(file) ?? file).startsWith(ownFolder));
  return [...new Set(files)];
}

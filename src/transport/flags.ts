/** Node's flags of this process that its workers have too. */

const EVAL = /^(?:-e|-p|-pe|--eval|--print|--input-type)(?:=|$)/;
/** Flags that a thread may have and that matter to the user's modules, or to what they may do. V8's own it may not have. */
const KEPT =
  /^(?:--import|--require|-r|--loader|--experimental-loader|--conditions|-C|--enable-source-maps|--no-warnings|--permission|--experimental-permission|--allow-(?:addons|child-process|fs-read|fs-write|inspector|net|wasi|worker))(?:=|$)/;

/** Flags that are about this process alone: a child would run something else, or want the same port. */
const OWN = /^(?:--test|--watch|--run|--inspect|--check|-c$|--interactive|-i$)/;

/**
 * Undefined for this process's own flags, which threads have by default. Under `node -e` those would make the worker run
 * the text again: then only flags about loading modules and about permissions are kept.
 */
export function threadFlags(): string[] | undefined {
  return process.execArgv.some((flag) => EVAL.test(flag)) ? flags((flag) => KEPT.test(flag)) : undefined;
}

/** As {@link threadFlags}, for a child, which has none by default. */
export function processFlags(): string[] {
  return threadFlags() ?? flags((flag) => !OWN.test(flag));
}

/** Flags that are wanted, with their values. */
function flags(isWanted: (flag: string) => boolean): string[] {
  const { execArgv } = process;
  const kept: string[] = [];
  for (let i = 0; i < execArgv.length; i++) {
    const flag = execArgv[i]!;
    const next = execArgv[i + 1];
    const value = !flag.includes('=') && next !== undefined && !next.startsWith('-') ? [next] : [];
    i += value.length;
    if (isWanted(flag)) kept.push(flag, ...value);
  }
  return kept;
}

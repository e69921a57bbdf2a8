/** Where a function is written, as far as the inspector can tell. */
import type { Analysis } from './analyze.js';
import { type InspectedScope, type Inspection, scriptUrl } from './inspect.js';
import { pathOf } from './paths.js';

const MOST_SCRIPTS = 2000;

/** Where the text of a function is in the user's files. */
export interface Place {
  readonly url: string | undefined;
  /** As the user's stack traces show it: a URL for ES modules, a path for CommonJS. */
  readonly file: string | undefined;
  readonly line: number;
  readonly column: number;
}

/** `new Function(…)` makes a script for each function; to ask about every one of them would cost milliseconds. */
export function hasNoFile(text: string): boolean {
  return /^(?:async )?function\*? anonymous\(/.test(text) && !text.includes('sourceURL=');
}

export function placeOf(inspection: Inspection, analysis: Analysis, noFile: boolean): Place {
  const { scriptId } = inspection;
  const url = scriptId === undefined || noFile ? '' : scriptUrl(scriptId);
  const { anchor } = analysis;
  const isModule = isModuleScript(inspection);
  const file = url === '' ? undefined : isModule ? url : (pathOf(url) ?? url);
  return {
    url: url === '' ? undefined : url,
    file,
    line: inspection.line - anchor.line,
    // The text's own column is lost where its first line is not the anchor's.
    column: anchor.line === 0 ? inspection.column - anchor.column : 0,
  };
}

/** By script: what is one module's is all of it. */
const moduleScripts = new Map<string, boolean>();

function isModuleScript(inspection: Inspection): boolean {
  const { scriptId = '' } = inspection;
  let known = moduleScripts.get(scriptId);
  if (known === undefined) {
    known = scopesOf(inspection).some((scope) => scope.type === 'Module');
    if (moduleScripts.size >= MOST_SCRIPTS) moduleScripts.clear();
    if (scriptId !== '') moduleScripts.set(scriptId, known);
  }
  return known;
}

/** Every function of JavaScript has scopes; to go on without them would change what it does. */
export function scopesOf(inspection: Inspection): readonly InspectedScope[] {
  const { scopes } = inspection;
  if (scopes.length === 0) throw new Error('closure: the inspector gave no scopes');
  return scopes;
}

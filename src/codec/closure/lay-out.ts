import { parse, type Token } from 'acorn';
import { parseOptions, type TextPosition } from './analyze.js';
import type { Locate } from './original-place.js';
import type { CodeRecord } from './reading.js';

export interface LaidOut {
  readonly source: string;
  readonly line: number;
  readonly column: number;
}

/** After these no line may end: the statement would, or the word would mean something else. */
const bound =
  /^(?:return|throw|yield|break|continue|async|await|using|get|set|static|accessor|let|new|type)$/;
/** After these a line break means nothing. */
const open = /^[;,{([]$/;

/**
 * The text of a function that a runner has compiled, with line breaks moved so that each token stands on the line
 * where the user wrote it. Code built of it has the user's lines in its stack traces without any map; columns are
 * right at the start of lines.
 */
export function layOut(
  source: string,
  form: CodeRecord['form'],
  start: TextPosition,
  locate: Locate,
): LaidOut | undefined {
  const first = locate(start.line, start.column);
  if (!first) return undefined;
  const tokens = tokensOf(source, form);
  if (!tokens) return undefined;
  let out = '';
  let outLine = first.line;
  let line = start.line;
  let lineStart = -start.column;
  let previous: Token | undefined;
  for (const token of tokens) {
    const from = previous?.end ?? 0;
    const gap = source.slice(from, token.start);
    const passed = source.slice(previous?.start ?? 0, token.start);
    line += breaks(passed);
    if (passed.includes('\n')) lineStart = (previous?.start ?? 0) + passed.lastIndexOf('\n') + 1;
    const wanted = locate(line, token.start - lineStart);
    const between = previous ? respace(gap, previous, token, outLine, wanted) : gap;
    const text = source.slice(token.start, token.end);
    out += between + text;
    outLine += breaks(between) + breaks(text);
    previous = token;
  }
  return { source: out + source.slice(previous?.end ?? 0), line: first.line, column: first.column };
}

/** White space and comments between two tokens, so that the second comes to its line where that is allowed. */
function respace(
  gap: string,
  previous: Token,
  token: Token,
  outLine: number,
  wanted: TextPosition | undefined,
): string {
  if (!wanted || inTemplate(previous) || inTemplate(token)) return gap;
  const missing = wanted.line - outLine - breaks(gap);
  if (missing === 0) return gap;
  if (missing > 0) {
    const fixed = bound.test(wordOf(previous)) || /^(?:=>|\+\+\/--)$/.test(token.type.label);
    return fixed ? gap : `${gap}${'\n'.repeat(missing)}${' '.repeat(wanted.column)}`;
  }
  const loose = open.test(previous.type.label) && gap.trim() === '';
  return loose ? `${'\n'.repeat(Math.max(0, wanted.line - outLine))} ` : gap;
}

function inTemplate(token: Token): boolean {
  return token.type.label === 'template' || token.type.label === 'invalidTemplate';
}

function wordOf(token: Token): string {
  const { value } = token as Token & { readonly value?: unknown };
  return token.type.keyword ?? (typeof value === 'string' ? value : '');
}

function breaks(text: string): number {
  let count = 0;
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) count += 1;
  return count;
}

/** The tokens of the text alone, with offsets in it. */
function tokensOf(source: string, form: CodeRecord['form']): Token[] | undefined {
  const [before, after] = form === 'expression' ? ['function _(){(', '\n)}'] : ['function _(){({', '\n})}'];
  const tokens: Token[] = [];
  try {
    parse(before + source + after, { ...parseOptions, onToken: tokens });
  } catch {
    return undefined;
  }
  const inside = tokens.filter(
    (token) => token.start >= before.length && token.end <= before.length + source.length,
  );
  for (const token of inside) {
    token.start -= before.length;
    token.end -= before.length;
  }
  return inside;
}

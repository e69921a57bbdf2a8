/**
 * Lines of text as it streams by, without their ends (LF or CR LF). Not node:readline: that also ends lines at a
 * lone CR and at U+2028, which may stand inside a JSON string.
 */
export async function* lines(chunks: AsyncIterable<string>): AsyncGenerator<string> {
  let rest = '';
  let first = true;
  for await (const chunk of chunks) {
    let start = 0;
    for (let end = chunk.indexOf('\n'); end !== -1; end = chunk.indexOf('\n', start)) {
      const line = rest + chunk.slice(start, end);
      rest = '';
      start = end + 1;
      yield cleaned(line, first);
      first = false;
    }
    rest += chunk.slice(start);
  }
  if (rest !== '') yield cleaned(rest, first);
}

function cleaned(line: string, first: boolean): string {
  const from = first && line.startsWith('\ufeff') ? 1 : 0;
  return line.slice(from, line.endsWith('\r') ? -1 : undefined);
}

const CARRIAGE_RETURN = 0x0d;

/**
 * Lines of text as it streams by, those of a chunk together, without their ends (LF or CR LF). Not node:readline: that also ends lines at a
 * lone CR and at U+2028, which may stand inside a JSON string.
 */
export async function* lines(chunks: AsyncIterable<string>): AsyncGenerator<string[]> {
  let rest = '';
  let first = true;
  for await (const chunk of chunks) {
    if (!chunk.includes('\n')) {
      rest += chunk;
      continue;
    }
    const all = (rest + chunk).split('\n');
    rest = all.pop()!;
    yield cleaned(all, first);
    first = false;
  }
  if (rest !== '') yield cleaned([rest], first);
}

function cleaned(all: string[], first: boolean): string[] {
  if (first && all[0]!.startsWith('\ufeff')) all[0] = all[0]!.slice(1);
  for (let i = 0; i < all.length; i++) {
    const line = all[i]!;
    if (line.charCodeAt(line.length - 1) === CARRIAGE_RETURN) all[i] = line.slice(0, -1);
  }
  return all;
}

/** Prints one question's answers. */

export interface Row {
  readonly name: string;
  /** One figure a column; undefined where the contestant does not take part. */
  readonly values: readonly (number | undefined)[];
  readonly isPeer: boolean;
}

export interface Table {
  readonly title: string;
  readonly columns: readonly string[];
  readonly higherIsBetter: boolean;
  readonly rows: readonly Row[];
}

export function print({ title, columns, rows, higherIsBetter }: Table): void {
  const cells = rows.map((row) => [row.name, ...row.values.map((value) => format(value))]);
  cells.unshift([title, ...columns]);
  const simul = rows.find((row) => row.name === 'simul');
  const peers = rows.filter((row) => row.isPeer);
  if (simul !== undefined && peers.length > 0) {
    const ratios = columns.map((_, i) => {
      const theirs = peers.flatMap((row) => row.values[i] ?? []);
      const best = higherIsBetter ? Math.max(...theirs) : Math.min(...theirs);
      const own = simul.values[i];
      if (own === undefined || theirs.length === 0) return '';
      return `${(higherIsBetter ? own / best : best / own).toFixed(2)} ×`;
    });
    cells.push(['simul : best peer', ...ratios]);
  }
  const widths = cells[0]!.map((_, i) => Math.max(...cells.map((row) => row[i]!.length)));
  for (const [at, row] of cells.entries()) {
    const line = row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!)));
    console.log(line.join('  '));
    if (at === 0) console.log(widths.map((width) => '-'.repeat(width)).join('  '));
  }
  console.log();
}

function format(value: number | undefined): string {
  if (value === undefined) return '–';
  if (value >= 1000) return Math.round(value).toLocaleString('en');
  return value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2);
}

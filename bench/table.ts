/** One question's answers, and the lines that show them. */

/** What a row is to Simul: `peer` another package, `peer process` one whose workers are processes, `threads` worker threads by hand, `loop` one core and no library. */
export type Role = 'simul' | 'peer' | 'peer process' | 'threads' | 'loop' | 'other';

export interface Row {
  readonly name: string;
  readonly role: Role;
  /** One figure a column; undefined where the contestant does not take part. */
  readonly values: readonly (number | undefined)[];
}

export interface Table {
  readonly title: string;
  readonly columns: readonly string[];
  readonly higherIsBetter: boolean;
  readonly rows: readonly Row[];
  /** One a column: how many times as good as the best row of that role Simul has to be. */
  readonly targets?: Partial<Record<Role, readonly (number | undefined)[]>>;
  /** Figures that are no ratio of two rows. */
  readonly figures?: readonly Figure[];
}

/** Something to reach. */
export interface Figure {
  readonly what: string;
  readonly against: string;
  readonly reached: string;
  readonly target: string;
  readonly met: boolean;
}

const AGAINST: readonly (readonly [Role, string])[] = [
  ['peer', 'best peer'],
  ['peer process', "best peer's processes"],
  ['threads', 'threads by hand'],
  ['loop', 'plain loop'],
];

interface Ratio {
  readonly reached: number;
  readonly target: number | undefined;
}

/** One a column, undefined where either side does not take part. */
function ratios({ columns, rows, higherIsBetter, targets }: Table, role: Role): (Ratio | undefined)[] {
  const simul = rows.find((row) => row.role === 'simul');
  const others = rows.filter((row) => row.role === role);
  return columns.map((_, i) => {
    const own = simul?.values[i];
    const theirs = others.flatMap((row) => row.values[i] ?? []);
    if (own === undefined || theirs.length === 0) return undefined;
    const reached = higherIsBetter ? own / Math.max(...theirs) : Math.min(...theirs) / own;
    return { reached, target: targets?.[role]?.[i] };
  });
}

/** All that a table has to reach. */
export function figures(table: Table): Figure[] {
  const found = AGAINST.flatMap(([role, against]) =>
    ratios(table, role).flatMap((ratio, i): Figure[] => {
      if (ratio?.target === undefined) return [];
      const { reached, target } = ratio;
      const what = `${table.title.replace(/,.*/, '')}: ${table.columns[i]}`;
      return [{ what, against, reached: times(reached), target: `${target} ×`, met: reached >= target }];
    }),
  );
  return [...found, ...(table.figures ?? [])];
}

/** The table in Markdown. */
export function render(table: Table): string {
  const lines = table.rows.map((row) => [row.name, ...row.values.map(format)]);
  for (const [role, name] of AGAINST) {
    const found = ratios(table, role);
    if (found.every((ratio) => ratio === undefined)) continue;
    const shown = found.map((ratio) => {
      if (ratio === undefined) return '';
      return times(ratio.reached) + (ratio.target === undefined ? '' : `, target ${ratio.target} ×`);
    });
    lines.push([`simul : ${name}`, ...shown]);
  }
  const own = (table.figures ?? []).map(
    ({ what, against, reached, target }) => `\n${what}, ${against}: ${reached}, target ${target}`,
  );
  return [grid([[table.title, ...table.columns], ...lines]), ...own].join('\n');
}

/** All figures in Markdown, in one table, each with the ceiling of its time. */
export function summary(all: readonly (Figure & { readonly ceiling: number })[]): string {
  const lines = all.map(({ what, against, reached, target, met, ceiling }) => [
    what,
    against,
    reached,
    target,
    met ? 'yes' : 'no',
    times(ceiling),
  ]);
  return grid([['figure', 'against', 'reached', 'target', 'met', 'ceiling'], ...lines]);
}

function grid(cells: readonly (readonly string[])[]): string {
  const widths = cells[0]!.map((_, i) => Math.max(3, ...cells.map((row) => row[i]!.length)));
  const lines = cells.map((row) =>
    row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!))).join(' | '),
  );
  const rule = widths
    .map((width, i) => (i === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`))
    .join(' | ');
  return [lines[0]!, rule, ...lines.slice(1)].map((line) => `| ${line} |`).join('\n');
}

const times = (ratio: number): string => `${format(ratio)} ×`;

function format(value: number | undefined): string {
  if (value === undefined) return '–';
  if (value >= 1000) return Math.round(value).toLocaleString('en');
  return value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2);
}

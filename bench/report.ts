/** What a run says: printed as it comes, and kept as the page of the docs. */
import { writeFileSync } from 'node:fs';
import { type Figure, figures, render, summary, type Table } from './table.js';

const FOREWORD = `# Benchmarks

A whole run of \`npm run bench\`, which writes this page. \`bench/README.md\` says what is measured, and how. The
ceiling is what two bare threads reached against one at that moment: where it is far from 2, others had the machine too,
and ratios to the plain loop say little.`;

export class Report {
  readonly #machine: string;
  readonly #parts: string[] = [];
  readonly #figures: (Figure & { readonly ceiling: number })[] = [];

  constructor(machine: string) {
    this.#machine = machine;
    console.log(`${machine}\n`);
  }

  add(name: string, table: Table, ceiling: number): void {
    const above = `ceiling: ${ceiling.toFixed(2)} × (two bare threads against one)`;
    const shown = render(table);
    console.log(`${above}\n${shown}\n`);
    this.#parts.push(`## ${name}\n\n${above}\n\n${shown}`);
    this.#figures.push(...figures(table).map((figure) => ({ ...figure, ceiling })));
  }

  /** Prints all that has a target. */
  end(): void {
    if (this.#figures.length > 0) console.log(summary(this.#figures));
  }

  write(path: URL): void {
    const parts = [
      FOREWORD,
      this.#machine,
      `## Figures to reach\n\n${summary(this.#figures)}`,
      ...this.#parts,
    ];
    writeFileSync(path, `${parts.join('\n\n')}\n`);
  }
}

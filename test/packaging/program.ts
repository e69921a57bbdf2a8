/** The user program that runs everywhere, in the dialect that a runner takes, and what it must print. */
import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { transform } from 'esbuild';
import { type Files, fixtures, type Ran } from './support.js';

export interface Dialect {
  /** TypeScript as it is written, or compiled to ES modules or CommonJS. */
  readonly language: 'ts' | 'esm' | 'cjs';
  /** What the ending of relative imports is. */
  readonly ending?: '' | '.js' | '.ts';
  /** False where the runner erases types and does nothing else. */
  readonly enums?: boolean;
  /** Whether the program calls its own `main`. */
  readonly entry?: boolean;
}

const folder = join(fixtures, 'program');
const withoutEnum = `export const Colour = { Red: 1, Green: 2, Blue: 3 };
const names = ['none', 'Red', 'Green', 'Blue'];
export const nameOf = (colour: number): string => names[colour] ?? 'none';
`;

export async function programFiles({
  language,
  ending = '',
  enums = true,
  entry = true,
}: Dialect): Promise<Files> {
  const files: Record<string, string> = {};
  const names = (await readdir(folder, { recursive: true })).filter((name) => name.endsWith('.ts'));
  for (const name of names) {
    let text = await readFile(join(folder, name), 'utf8');
    if (!enums && name.endsWith('colour.ts')) text = withoutEnum;
    if (entry && name === 'program.ts') text += '\nvoid main();\n';
    text = text.replace(/(from |import\()'(\.[^']+)'/g, `$1'$2${ending}'`);
    if (language === 'ts') files[name] = text;
    else {
      const format = language === 'esm' ? 'esm' : 'cjs';
      const { code } = await transform(text, { loader: 'ts', format, platform: 'node', target: 'node20' });
      files[name.replace(/ts$/, 'js')] = code;
    }
  }
  return files;
}

const sha = '2d711642';

export const results = [
  'closure: [13,16,19]',
  'map capture: [1,2,null]',
  'entry export: [2,4,6]',
  'recursion: [false,true]',
  'class by value: 25',
  'class of a module: ["w(3, 4)","w(6, 8)"]',
  'function of a module: [10]',
  'made by a module: 20',
  'enum: ["Red","Green","Blue*"]',
  'packages: [["AB!","ab","<Ab>"]]',
  `builtins: ["b","number","${sha}"]`,
  'dynamic import: 101',
  'nested: ["3,6","6,9"]',
  'reduce: 10',
  'task: [0,1]',
  'stream: [1,4,9,16]',
  'generator: [1,2,3]',
  'state there: [1,2,3]',
  'state reset: 1',
  'state here: 2',
  'printed 1',
  'printed 2',
  'printed 3',
  'printed last',
  'own error: ["TooMuch","more than 7",7,true]',
  'error of a module: ["too far",true]',
];

export interface StackPlaces {
  /** Where the program's own function throws, `file:line`. */
  readonly program: string;
  readonly module: string;
}

/** The places of the two `throw` statements as the user sees them. */
export function placesIn(files: Files): StackPlaces {
  return {
    program: placeOf(files, 'program', 'throw new TooMuch'),
    module: placeOf(files, 'vector', 'throw new RangeError'),
  };
}

function placeOf(files: Files, part: string, statement: string): string {
  const [name, text] = Object.entries(files).find(([file]) => file.includes(part))!;
  return `${name}:${lineOf(text, statement)}:`;
}

/** The same in one file that holds all. */
export function placesInBundle(name: string, text: string): StackPlaces {
  return {
    program: `${name}:${lineOf(text, 'throw new TooMuch')}:`,
    module: `${name}:${lineOf(text, 'throw new RangeError(reason)')}:`,
  };
}

function lineOf(text: string, statement: string): number {
  const line = text.split('\n').findIndex((candidate) => candidate.includes(statement)) + 1;
  assert.ok(line > 0, `there is ${statement}`);
  return line;
}

/** Checks what the program has printed, that it ended by itself, and that it printed nothing else. What is in `refused` must be. */
export function checkRun(ran: Ran, places: StackPlaces, refused: readonly string[] = []): void {
  const whole = `${ran.stdout}\n${ran.stderr}`;
  assert.equal(ran.code, 0, whole);
  const expected = results.map((line) => {
    const name = line.slice(0, line.indexOf(':'));
    return refused.includes(name) ? `${name}: "refused"` : line;
  });
  assert.deepEqual(ran.stdout.trim().split('\n'), ['top level', ...expected], whole);
  checkStacks(ran.stderr, places);
}

export function checkStacks(stderr: string, places: StackPlaces): void {
  const [, own = '', other = ''] = /program stack ([\s\S]*)module stack ([\s\S]*)/.exec(stderr) ?? [];
  assert.ok(own.includes(places.program), `${places.program} in\n${stderr}`);
  assert.ok(other.includes(places.module), `${places.module} in\n${stderr}`);
  const rest = stderr.replace(/program stack [\s\S]*/, '').trim();
  assert.equal(rest, '', 'nothing else is printed');
}

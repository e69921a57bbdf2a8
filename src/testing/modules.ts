/**
 * Loads modules with a stop before every access to shared memory, and their imports with them: relative ones and those of the
 * package's own `#names`. Others (`node:`, packages) are taken as they are, or from `natives`.
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import {
  type AnyNode,
  type Identifier,
  type ModuleDeclaration,
  type Pattern,
  type Program,
  parse,
} from 'acorn';
import { gettersOf, type Helper, Stepper } from './stepped.js';

type Names = Record<string, unknown>;

/** A change to the text of a module: to shrink a capacity, or to plant a fault. */
export interface Edit {
  /** How the address of the module ends. */
  readonly file: string;
  /** Occurs once, however it is laid out. */
  readonly from: string;
  readonly to: string;
}

export interface LoadOptions {
  readonly edits: readonly Edit[];
  /** Modules to be had instead of those of that name. */
  readonly natives: Readonly<Record<string, Names>>;
  /** What the modules see as globals. */
  readonly globals: Names & Record<Helper, unknown>;
}

interface Parsed {
  readonly url: string;
  readonly text: string;
  readonly body: Program['body'];
  /** Addresses, or names of natives, by specifier. */
  readonly imports: Map<string, string>;
}

const isOwn = (specifier: string): boolean => /^(?:\.{1,2}\/|#|file:)/.test(specifier);

export async function loadStepped(entry: string, options: LoadOptions): Promise<Names> {
  const order: Parsed[] = [];
  const edits = new Set(options.edits);
  parseAll(entry, new Set(), order, edits, options.edits);
  for (const { file, from } of edits)
    throw new Error(`explorer: no module ${file} has exactly one ${JSON.stringify(from)}`);
  const getters = new Set(order.flatMap(({ text }) => gettersOf(text)));
  const loaded = new Map<string, Names>();
  for (const { imports } of order)
    for (const name of imports.values()) {
      if (!name.startsWith('file:'))
        loaded.set(name, options.natives[name] ?? ((await import(name)) as Names));
    }
  for (const module of order) loaded.set(module.url, evaluate(module, getters, loaded, options.globals));
  return loaded.get(entry)!;
}

/** Depth first, so that what is imported comes before what imports it. */
function parseAll(
  url: string,
  seen: Set<string>,
  order: Parsed[],
  unused: Set<Edit>,
  edits: readonly Edit[],
): void {
  if (seen.has(url)) return;
  seen.add(url);
  let text = readFileSync(new URL(url), 'utf8');
  for (const edit of edits) {
    if (!url.endsWith(`/${edit.file}`)) continue;
    const parts = text.split(patternOf(edit.from));
    if (parts.length !== 2) continue;
    text = parts.join(edit.to);
    unused.delete(edit);
  }
  const { body } = parse(text, { ecmaVersion: 'latest', sourceType: 'module' });
  const imports = new Map<string, string>();
  for (const node of body) {
    if (!('source' in node) || node.source == null) continue;
    const specifier = String(node.source.value);
    const target = isOwn(specifier) ? resolve(specifier, url) : specifier;
    imports.set(specifier, target);
    if (target.startsWith('file:')) parseAll(target, seen, order, unused, edits);
  }
  order.push({ url, text, body, imports });
}

/** White space of any kind and length stands for any other. */
const patternOf = (text: string): RegExp =>
  new RegExp(
    text
      .trim()
      .split(/\s+/)
      .map((word) => word.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&'))
      .join('\\s+'),
  );

function resolve(specifier: string, from: string): string {
  if (!specifier.startsWith('#')) return new URL(specifier, from).href;
  return pathToFileURL(createRequire(from).resolve(specifier)).href;
}

function evaluate(
  module: Parsed,
  getters: ReadonlySet<string>,
  loaded: Map<string, Names>,
  globals: Names,
): Names {
  const stepper = new Stepper(module.text, getters);
  const exported: Names = {};
  const from = (specifier: string): Names => loaded.get(module.imports.get(specifier)!)!;
  const scope: Names = { ...globals, $from: from, $exported: exported, $meta: { url: module.url } };
  const text = module.body.map((node) => (isModulePart(node) ? linked(node, stepper) : stepper.emit(node)));
  const names = Object.keys(scope);

  const code = `'use strict';\n${text.join('\n')}\n//# sourceURL=${module.url}?stepped`;
  new Function(...names, code)(...names.map((name) => scope[name]));
  return exported;
}

const isModulePart = (node: AnyNode): node is ModuleDeclaration => /^(?:Import|Export)/.test(node.type);

const nameOf = (node: AnyNode): string =>
  node.type === 'Literal' ? String(node.value) : (node as Identifier).name;

/** An import or export, as a statement of a plain function. No module here changes what it has exported. */
function linked(node: ModuleDeclaration, stepper: Stepper): string {
  const source = 'source' in node && node.source != null ? `$from(${JSON.stringify(node.source.value)})` : '';
  switch (node.type) {
    case 'ImportDeclaration':
      return node.specifiers
        .map((part) => {
          if (part.type === 'ImportNamespaceSpecifier') return `const ${part.local.name} = ${source};`;
          const name = part.type === 'ImportDefaultSpecifier' ? 'default' : nameOf(part.imported);
          return `const ${part.local.name} = ${source}[${JSON.stringify(name)}];`;
        })
        .join(' ');
    case 'ExportAllDeclaration':
      return `Object.assign($exported, ${source});`;
    case 'ExportDefaultDeclaration':
      return `$exported.default = ${stepper.emit(node.declaration)};`;
    case 'ExportNamedDeclaration': {
      if (node.declaration != null) {
        const names = declared(node.declaration).map((name) => `$exported.${name} = ${name};`);
        return `${stepper.emit(node.declaration)} ${names.join(' ')}`;
      }
      const value = (local: string): string =>
        source === '' ? local : `${source}[${JSON.stringify(local)}]`;
      return node.specifiers
        .map((part) => `$exported[${JSON.stringify(nameOf(part.exported))}] = ${value(nameOf(part.local))};`)
        .join(' ');
    }
  }
}

function declared(node: AnyNode): string[] {
  if (node.type === 'FunctionDeclaration' || node.type === 'ClassDeclaration') return [node.id!.name];
  if (node.type !== 'VariableDeclaration') throw new SyntaxError(`explorer: export of ${node.type}`);
  return node.declarations.map(({ id }: { id: Pattern }) => {
    if (id.type !== 'Identifier') throw new SyntaxError('explorer: export of a pattern');
    return id.name;
  });
}

import { readFileSync } from 'node:fs';
import { type AnyNode, parse } from 'acorn';
import { parseOptions, positionIn, type TextPosition } from './analyze.js';
import { nativeRequire } from './known-modules.js';
import { isTypeScript, pathOf } from './paths.js';
import { isNode } from './syntax.js';

/** What a module's file says: which names are imports, exports, and which variables can ever change. */
export interface ModuleInfo {
  readonly path: string;
  /** True where the file has module syntax. */
  readonly isModule: boolean;
  /** Text as on disk; the rest of this record of a TypeScript file comes from its transformed text. */
  readonly text: string;
  readonly imports: ReadonlyMap<string, { readonly specifier: string; readonly imported: string }>;
  /** The specifiers of import statements in order, without those for types only. */
  readonly specifiers: readonly string[];
  /** Variables that hold what `require` gave, as it is or through a compiler's helper, with the specifier. */
  readonly required: ReadonlyMap<string, string>;
  /** Exported name to local name. */
  readonly exports: ReadonlyMap<string, string>;
  /** Where an anonymous default export starts. */
  readonly defaultExport: TextPosition | undefined;
  readonly hasTopLevelAwait: boolean;
  readonly strict: boolean;
  /** Names that something in the file assigns to after their declaration. */
  readonly assigned: ReadonlySet<string>;
  /** Names all of whose declarations have an initialiser that cannot give `undefined`. */
  readonly defined: ReadonlySet<string>;
  /** Direct `eval`, or `arguments` in sloppy code, can change variables unseen. */
  readonly opaque: boolean;
}

const limit = 1000;
const infos = new Map<string, ModuleInfo | undefined>();

/** Reads and parses a module's file once; undefined where there is none or it does not parse. */
export function moduleInfo(file: string): ModuleInfo | undefined {
  const path = pathOf(file);
  if (path === undefined) return undefined;
  if (infos.has(path)) return infos.get(path);
  if (infos.size >= limit) infos.clear();
  const info = readInfo(path);
  infos.set(path, info);
  return info;
}

function readInfo(path: string): ModuleInfo | undefined {
  try {
    const text = readFileSync(path, 'utf8');
    const code = isTypeScript(path) || path.endsWith('.jsx') ? withoutTypes(path, text) : text;
    return code === undefined ? undefined : collect(path, text, code);
  } catch {
    // No such file, no permission, or no JavaScript: the function still travels by value.
    return undefined;
  }
}

function withoutTypes(path: string, text: string): string | undefined {
  const oxc = nativeRequire()('oxc-transform') as typeof import('oxc-transform');
  const result = oxc.transformSync(path, text, { sourcemap: false });
  return result.code === '' && text !== '' ? undefined : result.code;
}

function parseFile(code: string): AnyNode {
  try {
    return parse(code, { ...parseOptions, sourceType: 'module' });
  } catch {
    return parse(code, {
      ...parseOptions,
      allowImportExportEverywhere: false,
      allowReturnOutsideFunction: true,
    });
  }
}

function collect(path: string, text: string, code: string): ModuleInfo {
  const program = parseFile(code);
  if (program.type !== 'Program') throw new Error('closure: acorn gave no program');
  const table = new Collector(code);
  for (const statement of program.body) table.statement(statement);
  table.walk(program, true);
  const isModule = program.body.some((node) => /^(?:Import|Export)/.test(node.type)) || table.moduleSyntax;
  const strict =
    isModule || program.body.some((node) => 'directive' in node && node.directive === 'use strict');
  for (const name of table.maybeUndefined) table.defined.delete(name);
  return {
    path,
    isModule,
    text,
    imports: table.imports,
    specifiers: table.specifiers,
    required: table.required,
    exports: table.exports,
    // The transform moves code about, so positions in its output say nothing about the file.
    defaultExport: code === text ? table.defaultExport : undefined,
    hasTopLevelAwait: table.hasTopLevelAwait,
    strict,
    assigned: table.assigned,
    defined: table.defined,
    opaque: table.hasEval || (!strict && table.hasArguments),
  };
}

class Collector {
  readonly imports = new Map<string, { specifier: string; imported: string }>();
  readonly specifiers: string[] = [];
  readonly required = new Map<string, string>();
  readonly exports = new Map<string, string>();
  readonly assigned = new Set<string>();
  readonly defined = new Set<string>();
  readonly maybeUndefined = new Set<string>();
  defaultExport: TextPosition | undefined;
  hasTopLevelAwait = false;
  moduleSyntax = false;
  hasEval = false;
  hasArguments = false;

  constructor(private readonly code: string) {}

  /** Imports and exports, which stand at the top level only. */
  statement(node: AnyNode): void {
    if (node.type === 'ImportDeclaration') {
      const specifier = String(node.source.value);
      this.specifiers.push(specifier);
      for (const item of node.specifiers) {
        const imported =
          item.type === 'ImportDefaultSpecifier'
            ? 'default'
            : item.type === 'ImportNamespaceSpecifier'
              ? '*'
              : nameOf(item.imported);
        this.imports.set(item.local.name, { specifier, imported });
      }
    } else if (node.type === 'ExportNamedDeclaration' && !node.source) {
      for (const item of node.specifiers) this.exports.set(nameOf(item.exported), nameOf(item.local));
      const declaration = node.declaration;
      if (declaration?.type === 'VariableDeclaration') {
        for (const declarator of declaration.declarations) {
          for (const name of patternNames(declarator.id)) this.exports.set(name, name);
        }
      } else if (declaration?.id) this.exports.set(declaration.id.name, declaration.id.name);
    } else if (node.type === 'ExportDefaultDeclaration') {
      const value = node.declaration;
      if (value.type === 'Identifier') this.exports.set('default', value.name);
      else if ('id' in value && value.id && value.type.endsWith('Declaration')) {
        this.exports.set('default', (value.id as { name: string }).name);
      } else this.defaultExport = positionIn(this.code, value.start);
    }
  }

  walk(node: AnyNode, topLevel: boolean): void {
    this.note(node, topLevel);
    const inside = topLevel && !/Function|StaticBlock|PropertyDefinition/.test(node.type);
    for (const value of Object.values(node) as unknown[]) {
      if (Array.isArray(value)) {
        for (const item of value as unknown[]) if (isNode(item)) this.walk(item, inside);
      } else if (isNode(value)) this.walk(value, inside);
    }
  }

  private note(node: AnyNode, topLevel: boolean): void {
    switch (node.type) {
      case 'AwaitExpression':
        if (topLevel) this.hasTopLevelAwait = this.moduleSyntax = true;
        return;
      case 'ForOfStatement':
        if (topLevel && node.await) this.hasTopLevelAwait = this.moduleSyntax = true;
        if (node.left.type !== 'VariableDeclaration') this.assignedBy(node.left);
        else this.loopVariable(node.left);
        return;
      case 'ForInStatement':
        if (node.left.type !== 'VariableDeclaration') this.assignedBy(node.left);
        else this.loopVariable(node.left);
        return;
      case 'MetaProperty':
        if (node.meta.name === 'import') this.moduleSyntax = true;
        return;
      case 'AssignmentExpression':
        this.assignedBy(node.left);
        return;
      case 'UpdateExpression':
        this.assignedBy(node.argument);
        return;
      case 'CallExpression':
        if (node.callee.type === 'Identifier' && node.callee.name === 'eval') this.hasEval = true;
        return;
      case 'Identifier':
        if (node.name === 'arguments') this.hasArguments = true;
        return;
      case 'VariableDeclaration':
        this.declared(node);
        return;
      case 'ClassDeclaration':
        if (node.id) this.defined.add(node.id.name);
        return;
      case 'FunctionDeclaration':
        // A parameter of the same name elsewhere may be undefined.
        for (const parameter of node.params) this.parameter(parameter);
        return;
      case 'FunctionExpression':
      case 'ArrowFunctionExpression':
        for (const parameter of node.params) this.parameter(parameter);
        return;
      default:
    }
  }

  private parameter(node: AnyNode): void {
    for (const name of patternNames(node)) this.maybeUndefined.add(name);
  }

  private loopVariable(node: AnyNode): void {
    if (node.type !== 'VariableDeclaration') return;
    for (const declarator of node.declarations) {
      for (const name of patternNames(declarator.id)) {
        this.maybeUndefined.add(name);
        if (node.kind === 'var') this.assigned.add(name);
      }
    }
  }

  private declared(node: AnyNode & { type: 'VariableDeclaration' }): void {
    for (const { id, init } of node.declarations) {
      const specifier = id.type === 'Identifier' ? requiredBy(init) : undefined;
      if (specifier !== undefined) this.required.set(nameOf(id), specifier);
      for (const name of patternNames(id)) {
        // `var` may run again, in a loop or by a second declaration, and writes the same variable.
        if (node.kind === 'var' && init) this.assigned.add(name);
        const certain = node.kind !== 'var' && id.type === 'Identifier' && neverUndefined(init);
        (certain ? this.defined : this.maybeUndefined).add(name);
      }
    }
  }

  private assignedBy(target: AnyNode): void {
    for (const name of patternNames(target)) {
      this.assigned.add(name);
      this.maybeUndefined.add(name);
    }
  }
}

/** The specifier of `require('…')`, or of `helper(require('…'), …)`. */
function requiredBy(node: AnyNode | null | undefined): string | undefined {
  if (node?.type !== 'CallExpression') return undefined;
  const first = node.arguments[0];
  if (node.callee.type === 'Identifier' && node.callee.name === 'require') {
    return first?.type === 'Literal' && typeof first.value === 'string' ? first.value : undefined;
  }
  return first?.type === 'CallExpression' ? requiredBy(first) : undefined;
}

function nameOf(node: AnyNode): string {
  return node.type === 'Identifier' ? node.name : String((node as { value?: unknown }).value);
}

function patternNames(node: AnyNode | null | undefined): string[] {
  switch (node?.type) {
    case 'Identifier':
      return [node.name];
    case 'ObjectPattern':
      return node.properties.flatMap((item) =>
        patternNames(item.type === 'RestElement' ? item.argument : item.value),
      );
    case 'ArrayPattern':
      return node.elements.flatMap((item) => patternNames(item));
    case 'AssignmentPattern':
      return patternNames(node.left);
    case 'RestElement':
      return patternNames(node.argument);
    default:
      return [];
  }
}

function neverUndefined(node: AnyNode | null | undefined): boolean {
  switch (node?.type) {
    case 'Literal':
    case 'TemplateLiteral':
    case 'ArrayExpression':
    case 'ObjectExpression':
    case 'ArrowFunctionExpression':
    case 'FunctionExpression':
    case 'ClassExpression':
    case 'NewExpression':
    case 'BinaryExpression':
    case 'UpdateExpression':
      return true;
    default:
      return false;
  }
}

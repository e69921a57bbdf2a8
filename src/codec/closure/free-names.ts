import type { AnyNode, Identifier } from 'acorn';
import { isNode } from './syntax.js';

/** A place where a name is used that nothing inside the analysed text declares. */
export interface FreeUse {
  readonly name: string;
  readonly start: number;
  readonly write: boolean;
}

/** Uses of things that belong to the function around the analysed text. */
export interface LexicalUse {
  readonly what: 'this' | 'super' | 'new.target' | 'arguments' | 'private name';
  readonly name?: string;
  readonly start: number;
}

export interface Usage {
  readonly free: readonly FreeUse[];
  readonly lexical: readonly LexicalUse[];
  /** Positions of `import.meta`. */
  readonly importMetas: readonly { readonly start: number; readonly end: number }[];
}

class Scope {
  readonly names = new Set<string>();
  constructor(
    readonly parent: Scope | undefined,
    /** `var` declarations stop here. */
    readonly holdsVars: boolean,
  ) {}
}

/** What `this` and its kin mean at a place: `own` once a function or class member inside the text binds them. */
interface Context {
  readonly own: boolean;
  /** `arguments` is bound by functions but not by class fields. */
  readonly privates: ReadonlySet<string>;
}

type Child = AnyNode | null | undefined;

/**
 * Walks a parsed text and reports the names it uses and does not declare. Names are resolved after the whole
 * walk, so that hoisting of functions and `var` needs no second pass.
 */
export class ScopeWalker {
  private readonly uses: { name: string; start: number; write: boolean; scope: Scope }[] = [];
  private readonly lexical: LexicalUse[] = [];
  private readonly importMetas: { start: number; end: number }[] = [];
  private scope = new Scope(undefined, true);
  private context: Context = { own: false, privates: new Set() };

  /** `boundary`: true where the text is a whole file, whose `this` and `arguments` need no report. */
  static analyse(root: AnyNode): Usage {
    const walker = new ScopeWalker();
    walker.visit(root);
    const free = walker.uses.filter((use) => !isDeclared(use.scope, use.name));
    return { free, lexical: walker.lexical, importMetas: walker.importMetas };
  }

  private within(scope: Scope, action: () => void): void {
    const outer = this.scope;
    this.scope = scope;
    action();
    this.scope = outer;
  }

  private inContext(context: Context, action: () => void): void {
    const outer = this.context;
    this.context = context;
    action();
    this.context = outer;
  }

  private inner(holdsVars = false): Scope {
    return new Scope(this.scope, holdsVars);
  }

  private use(node: Identifier, write = false): void {
    if (node.name === 'arguments' && !this.context.own) {
      this.lexical.push({ what: 'arguments', start: node.start });
      return;
    }
    if (node.name === 'arguments') return;
    this.uses.push({ name: node.name, start: node.start, write, scope: this.scope });
  }

  private declareVar(name: string): void {
    let scope: Scope = this.scope;
    while (!scope.holdsVars && scope.parent) scope = scope.parent;
    scope.names.add(name);
  }

  /** Binding patterns declare; their defaults and computed keys are ordinary expressions. */
  private declare(node: Child, kind: 'var' | 'let'): void {
    if (!node) return;
    switch (node.type) {
      case 'Identifier':
        if (kind === 'var') this.declareVar(node.name);
        else this.scope.names.add(node.name);
        return;
      case 'ObjectPattern':
        for (const property of node.properties) {
          if (property.type === 'RestElement') this.declare(property.argument, kind);
          else {
            if (property.computed) this.visit(property.key);
            this.declare(property.value, kind);
          }
        }
        return;
      case 'ArrayPattern':
        for (const element of node.elements) this.declare(element, kind);
        return;
      case 'AssignmentPattern':
        this.declare(node.left, kind);
        this.visit(node.right);
        return;
      case 'RestElement':
        this.declare(node.argument, kind);
        return;
      default:
        this.visit(node);
    }
  }

  /** The target of an assignment: names in it are written, members are only read. */
  private assign(node: Child): void {
    if (!node) return;
    switch (node.type) {
      case 'Identifier':
        this.use(node, true);
        return;
      case 'ObjectPattern':
        for (const property of node.properties) {
          if (property.type === 'RestElement') this.assign(property.argument);
          else {
            if (property.computed) this.visit(property.key);
            this.assign(property.value);
          }
        }
        return;
      case 'ArrayPattern':
        for (const element of node.elements) this.assign(element);
        return;
      case 'AssignmentPattern':
        this.assign(node.left);
        this.visit(node.right);
        return;
      case 'RestElement':
        this.assign(node.argument);
        return;
      case 'ParenthesizedExpression':
        this.assign(node.expression);
        return;
      default:
        this.visit(node);
    }
  }

  private visitAll(nodes: readonly Child[]): void {
    for (const node of nodes) this.visit(node);
  }

  private visit(node: Child): void {
    if (!node) return;
    switch (node.type) {
      case 'Identifier':
        this.use(node);
        return;
      case 'ThisExpression':
        if (!this.context.own) this.lexical.push({ what: 'this', start: node.start });
        return;
      case 'Super':
        if (!this.context.own) this.lexical.push({ what: 'super', start: node.start });
        return;
      case 'MetaProperty':
        if (node.meta.name === 'import') this.importMetas.push({ start: node.start, end: node.end });
        else if (!this.context.own) this.lexical.push({ what: 'new.target', start: node.start });
        return;
      case 'PrivateIdentifier':
        if (!this.context.privates.has(node.name)) {
          this.lexical.push({ what: 'private name', name: node.name, start: node.start });
        }
        return;
      case 'FunctionDeclaration':
      case 'FunctionExpression':
      case 'ArrowFunctionExpression':
        this.visitFunction(node);
        return;
      case 'ClassDeclaration':
      case 'ClassExpression':
        this.visitClass(node);
        return;
      case 'VariableDeclaration':
        for (const declarator of node.declarations) {
          this.declare(declarator.id, node.kind === 'var' ? 'var' : 'let');
          this.visit(declarator.init);
        }
        return;
      case 'AssignmentExpression':
        // `x += 1` reads as well, but one use that writes is enough to know.
        this.assign(node.left);
        this.visit(node.right);
        return;
      case 'UpdateExpression':
        this.assign(node.argument);
        return;
      case 'MemberExpression':
        this.visit(node.object);
        if (node.computed || node.property.type === 'PrivateIdentifier') this.visit(node.property);
        return;
      case 'Property':
        if (node.computed) this.visit(node.key);
        this.visit(node.value);
        return;
      case 'BlockStatement':
      case 'StaticBlock':
      case 'SwitchStatement':
      case 'CatchClause':
      case 'ForStatement':
      case 'ForInStatement':
      case 'ForOfStatement':
        this.visitBlock(node);
        return;
      case 'LabeledStatement':
        this.visit(node.body);
        return;
      case 'BreakStatement':
      case 'ContinueStatement':
        return;
      case 'ImportDeclaration':
        for (const specifier of node.specifiers) this.scope.names.add(specifier.local.name);
        return;
      case 'ExportNamedDeclaration':
        this.visit(node.declaration);
        return;
      case 'ExportAllDeclaration':
        return;
      default:
        this.visitChildren(node);
    }
  }

  private visitChildren(node: AnyNode): void {
    for (const value of Object.values(node) as unknown[]) {
      if (Array.isArray(value)) {
        for (const item of value as unknown[]) if (isNode(item)) this.visit(item);
      } else if (isNode(value)) this.visit(value);
    }
  }

  private visitBlock(node: AnyNode): void {
    this.within(this.inner(node.type === 'StaticBlock'), () => {
      if (node.type === 'CatchClause') {
        this.declare(node.param, 'let');
        this.visit(node.body);
      } else if (node.type === 'ForInStatement' || node.type === 'ForOfStatement') {
        if (node.left.type === 'VariableDeclaration') this.visit(node.left);
        else this.assign(node.left);
        this.visit(node.right);
        this.visit(node.body);
      } else if (node.type === 'SwitchStatement') {
        this.visit(node.discriminant);
        this.visitAll(node.cases);
      } else this.visitChildren(node);
    });
  }

  private visitFunction(node: AnyNode & { type: `${string}Function${string}` }): void {
    if (!('params' in node)) return;
    const arrow = node.type === 'ArrowFunctionExpression';
    if (node.type === 'FunctionDeclaration' && node.id) {
      this.scope.names.add(node.id.name);
      // Sloppy code hoists a function in a block to its function as well; seeing it as declared there is right
      // in both modes, as the name cannot be free where the block runs.
      this.declareVar(node.id.name);
    }
    const outer = this.inner(true);
    if (node.type === 'FunctionExpression' && node.id) outer.names.add(node.id.name);
    this.within(outer, () => {
      const context = arrow ? this.context : { ...this.context, own: true };
      this.inContext(context, () => {
        for (const parameter of node.params) this.declare(parameter, 'let');
        // Parameters cannot see what the body declares.
        this.within(this.inner(true), () => {
          if (node.body.type === 'BlockStatement') this.visitAll(node.body.body);
          else this.visit(node.body);
        });
      });
    });
  }

  private visitClass(node: AnyNode & { type: `Class${string}` }): void {
    if (node.type !== 'ClassDeclaration' && node.type !== 'ClassExpression') return;
    if (node.type === 'ClassDeclaration' && node.id) this.scope.names.add(node.id.name);
    const scope = this.inner();
    if (node.id) scope.names.add(node.id.name);
    const privates = new Set(this.context.privates);
    for (const member of node.body.body) {
      if (member.type !== 'StaticBlock' && member.key.type === 'PrivateIdentifier')
        privates.add(member.key.name);
    }
    const around: Context = { ...this.context, privates };
    this.within(scope, () => {
      this.inContext(around, () => {
        this.visit(node.superClass);
        for (const member of node.body.body) this.visitMember(member, around);
      });
    });
  }

  private visitMember(member: AnyNode, around: Context): void {
    const own: Context = { ...around, own: true };
    switch (member.type) {
      case 'StaticBlock':
        this.inContext(own, () => this.visitBlock(member));
        return;
      case 'MethodDefinition':
      case 'PropertyDefinition':
        // A computed key is evaluated outside the member: its `this` is the one around the class.
        if (member.computed) this.visit(member.key);
        this.inContext(own, () => this.visit(member.value));
        return;
      default:
        this.visitChildren(member);
    }
  }
}

function isDeclared(scope: Scope, name: string): boolean {
  for (let at: Scope | undefined = scope; at; at = at.parent) if (at.names.has(name)) return true;
  return false;
}

/**
 * Turns the text of a module into one that can be stopped before every access to shared memory: functions become
 * generators, and calls wait for what they call. What a function does is otherwise untouched. See README.md.
 *
 *   f(x), a.m(x)      may stop where they are      $t = $call(f, undefined, [x]), then `yield*` if that is a generator
 *   a[i], a[i] = v    reported, if shared          $read(a, i), $write(a, i, v)
 *   a.name            of a getter                  a.$get_name(), where there is one
 *
 * Constructors, initializers and the module itself cannot stop: what they call is run to its end at once ($now).
 */
import {
  type AnyNode,
  type ArrowFunctionExpression,
  type AssignmentExpression,
  type CallExpression,
  type Class,
  type FunctionDeclaration,
  type FunctionExpression,
  type MemberExpression,
  type MethodDefinition,
  type NewExpression,
  type Property,
  parse,
  type UpdateExpression,
} from 'acorn';

/** Names that the new text uses and its surroundings give. */
export type Helper =
  | '$call'
  | '$method'
  | '$get'
  | '$new'
  | '$now'
  | '$read'
  | '$write'
  | '$Steps'
  | '$class';

type Fn = FunctionDeclaration | FunctionExpression | ArrowFunctionExpression;

/** The text of a part of a module; `getters` are names of all getters that are known. */
export class Stepper {
  readonly #text: string;
  readonly #getters: ReadonlySet<string>;
  /** Whether the code at hand may stop, or is run at once. */
  #stops = false;

  constructor(text: string, getters: ReadonlySet<string>) {
    this.#text = text;
    this.#getters = getters;
  }

  emit(node: AnyNode): string {
    switch (node.type) {
      case 'CallExpression':
        return this.#step(this.#call(node));
      case 'NewExpression':
        return this.#new(node);
      case 'ChainExpression':
        return this.#step(this.#chain(node.expression));
      case 'MemberExpression':
        return this.#member(node);
      case 'AssignmentExpression':
        return this.#assignment(node);
      case 'UpdateExpression':
        return this.#update(node);
      case 'FunctionDeclaration':
        return `function* ${node.id?.name ?? ''}${this.#function(node as Fn)}`;
      case 'FunctionExpression':
        return `(function* ${node.id?.name ?? ''}${this.#function(node)})`;
      case 'ArrowFunctionExpression':
        return `(function* ${this.#function(node)}).bind(this)`;
      case 'ClassDeclaration':
      case 'ClassExpression':
        return this.#class(node);
      case 'MethodDefinition':
        return this.#methodDefinition(node);
      case 'PropertyDefinition':
      case 'StaticBlock':
      case 'AssignmentPattern':
        return this.#atOnce(() => this.#children(node));
      case 'Property':
        return this.#property(node as Property);
      case 'ObjectPattern':
        for (const { key } of node.properties.filter((part) => part.type === 'Property'))
          if (key.type === 'Identifier' && this.#getters.has(key.name))
            this.#refuse(node, 'a getter in a pattern');
        return this.#children(node);
      case 'SequenceExpression':
        return `(${this.#children(node)})`;
      case 'MetaProperty':
        return node.meta.name === 'import' ? '$meta' : this.#children(node);
      case 'AwaitExpression':
      case 'YieldExpression':
      case 'TaggedTemplateExpression':
      case 'ImportExpression':
      case 'WithStatement':
        return this.#refuse(node, node.type);
      default:
        return this.#children(node);
    }
  }

  #refuse(node: AnyNode, what: string): never {
    throw new SyntaxError(
      `explorer: ${what} cannot be stepped: ${this.#text.slice(node.start, node.end).slice(0, 80)}`,
    );
  }

  /** The text of a node, with what its children have become. */
  #children(node: AnyNode): string {
    let text = '';
    let at = node.start;
    for (const child of childrenOf(node)) {
      text += this.#text.slice(at, child.start) + this.emit(child);
      at = child.end;
    }
    return text + this.#text.slice(at, node.end);
  }

  /** The value of something that may be a generator. */
  #step(value: string): string {
    return this.#stops ? `(($t = ${value}) instanceof $Steps ? yield* $t : $t)` : `$now(${value})`;
  }

  #in(stops: boolean, make: () => string): string {
    const before = this.#stops;
    this.#stops = stops;
    const text = make();
    this.#stops = before;
    return text;
  }

  #atOnce(make: () => string): string {
    return this.#in(false, make);
  }

  #function(node: Fn): string {
    // Loud at the call only: a module may hold more than what is explored.
    if (node.async || node.generator)
      return "() { throw new Error('explorer: async functions and generators cannot be stepped'); }";
    const params = this.#atOnce(() => node.params.map((param) => this.emit(param)).join(', '));
    const body = this.#in(true, () =>
      node.body.type === 'BlockStatement'
        ? this.#children(node.body).slice(1, -1)
        : `return ${this.emit(node.body)};`,
    );
    return `(${params}) { let $t; ${body} }`;
  }

  #list(args: readonly AnyNode[]): string {
    return `[${args.map((arg) => this.emit(arg)).join(', ')}]`;
  }

  #call(node: CallExpression): string {
    const { callee } = node;
    const args = this.#list(node.arguments);
    if (callee.type === 'Super') return `super(...${args})`;
    if (callee.type !== 'MemberExpression') return `$call(${this.emit(callee)}, ${args})`;
    if (callee.object.type === 'Super') return `super.${this.#name(callee)}(...${args})`;
    const object = this.emit(callee.object);
    // Private members are ours, so what they hold can be stopped or was checked when it was handed over.
    if (callee.property.type === 'PrivateIdentifier') return `${object}.#${callee.property.name}(...${args})`;
    const key = callee.computed ? this.emit(callee.property) : JSON.stringify(this.#name(callee));
    return `$method(${object}, ${key}, ${args})`;
  }

  #name(node: MemberExpression): string {
    if (node.computed || node.property.type !== 'Identifier') return this.#refuse(node, 'this member');
    return node.property.name;
  }

  #new(node: NewExpression): string {
    return `$new(${this.emit(node.callee)}, ${this.#list(node.arguments)})`;
  }

  /** `a?.b`, `a?.(x)`, `a.b?.(x)`: one call at most, the last. */
  #chain(node: AnyNode): string {
    const inner = node.type === 'CallExpression' ? node.callee : node;
    for (let at: AnyNode = inner; at.type === 'MemberExpression'; at = at.object) {
      const plain =
        at.property.type === 'PrivateIdentifier' || !(at.computed || this.#getters.has(this.#name(at)));
      if (!plain) this.#refuse(node, 'a chain with an index or a getter');
      const { type } = at.object;
      if (type !== 'MemberExpression' && type !== 'Identifier' && type !== 'ThisExpression')
        this.#refuse(node, 'a chain with two calls');
    }
    const text = this.#text.slice(inner.start, inner.end);
    if (node.type !== 'CallExpression') return text;
    return `${text}${node.optional ? '?.' : ''}(...${this.#list(node.arguments)})`;
  }

  #member(node: MemberExpression): string {
    if (node.object.type === 'Super') return this.#children(node);
    if (node.computed) return this.#step(`$read(${this.emit(node.object)}, ${this.emit(node.property)})`);
    if (node.property.type === 'Identifier' && this.#getters.has(node.property.name))
      return this.#step(`$get(${this.emit(node.object)}, '${node.property.name}')`);
    return this.#children(node);
  }

  #assignment(node: AssignmentExpression): string {
    const { left } = node;
    if (left.type === 'ObjectPattern' || left.type === 'ArrayPattern') this.#refuse(node, 'this assignment');
    if (left.type !== 'MemberExpression' || !left.computed) {
      const target = this.#target(left);
      return `${target} ${node.operator} ${this.emit(node.right)}`;
    }
    return this.#store(left, node.operator.slice(0, -1), this.emit(node.right));
  }

  #update(node: UpdateExpression): string {
    const { argument } = node;
    if (argument.type !== 'MemberExpression' || !argument.computed)
      return node.prefix
        ? `${node.operator}${this.#target(argument)}`
        : `${this.#target(argument)}${node.operator}`;
    if (!node.prefix) this.#refuse(node, 'this update');
    return this.#store(argument, node.operator[0]!, '1');
  }

  /** What is written to by name: its object may be anything, the member itself is not read. */
  #target(node: AnyNode): string {
    if (node.type !== 'MemberExpression') return this.#children(node);
    const { property } = node;
    if (node.object.type === 'Super') return this.#refuse(node, 'this target');
    const name = property.type === 'PrivateIdentifier' ? `#${property.name}` : this.#name(node);
    return `(${this.emit(node.object)}).${name}`;
  }

  #store(left: MemberExpression, operator: string, right: string): string {
    const object = this.emit(left.object as AnyNode);
    const index = this.emit(left.property);
    if (operator === '') return this.#step(`$write(${object}, ${index}, ${right})`);
    // Object and index are written twice: they have to be the same and do nothing.
    if (!isSteady(left.object) || !isSteady(left.property)) this.#refuse(left, 'this update');
    const old = this.#step(`$read(${object}, ${index})`);
    return this.#step(`$write(${object}, ${index}, ${old} ${operator} (${right}))`);
  }

  #class(node: Class): string {
    const name = node.id?.name ?? '';
    const parent = node.superClass ? ` extends ${this.#atOnce(() => this.emit(node.superClass!))}` : '';
    const body = this.#atOnce(() => this.#children(node.body));
    return `class ${name}${parent} { static { $class(this); } ${body.slice(1)}`;
  }

  #methodDefinition(node: MethodDefinition): string {
    if (node.kind === 'set' || (node.computed && node.kind !== 'method')) this.#refuse(node, 'a setter');
    const key = node.computed ? `[${this.emit(node.key)}]` : this.#text.slice(node.key.start, node.key.end);
    const prefix = node.static ? 'static ' : '';
    if (node.kind === 'constructor') {
      const { params, body } = node.value;
      return `constructor(${params.map((param) => this.emit(param)).join(', ')}) ${this.#children(body)}`;
    }
    if (node.kind === 'method') return `${prefix}*${key}${this.#function(node.value)}`;
    if (node.key.type === 'PrivateIdentifier') this.#refuse(node, 'a private getter');
    return `${prefix}*$get_${key}${this.#function(node.value)} ${prefix}get ${key}() { return $now(this.$get_${key}()); }`;
  }

  #property(node: Property): string {
    if (node.kind !== 'init') this.#refuse(node, 'an accessor of an object literal');
    if (node.method) {
      const key = this.#text.slice(node.key.start, node.key.end);
      return `*${node.computed ? `[${key}]` : key}${this.#function(node.value as FunctionExpression)}`;
    }
    if (node.shorthand) return this.emit(node.value);
    const key = node.computed ? `[${this.emit(node.key)}]` : this.#text.slice(node.key.start, node.key.end);
    return `${key}: ${this.emit(node.value)}`;
  }
}

const isNode = (value: unknown): value is AnyNode =>
  typeof value === 'object' && value !== null && typeof (value as { type?: unknown }).type === 'string';

function childrenOf(node: AnyNode): AnyNode[] {
  const found: AnyNode[] = [];
  for (const value of Object.values(node)) {
    if (Array.isArray(value)) found.push(...value.filter(isNode));
    else if (isNode(value)) found.push(value);
  }
  return found.sort((a, b) => a.start - b.start);
}

/** Evaluated twice, it is the same and has done nothing. */
function isSteady(node: AnyNode): boolean {
  if (node.type === 'MemberExpression') return !node.computed && isSteady(node.object);
  return node.type === 'Identifier' || node.type === 'ThisExpression' || node.type === 'Literal';
}

/** Names of the getters of classes in a text. */
export function gettersOf(text: string): string[] {
  const names: string[] = [];
  const visit = (node: AnyNode): void => {
    if (node.type === 'MethodDefinition' && node.kind === 'get' && node.key.type === 'Identifier')
      names.push(node.key.name);
    childrenOf(node).forEach(visit);
  };
  visit(parse(text, { ecmaVersion: 'latest', sourceType: 'module' }));
  return names;
}

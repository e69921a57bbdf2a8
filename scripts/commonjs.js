// Turns a module as esbuild writes it (imports at its top, one list of exports at its end) into CommonJS. As by hand,
// and not by esbuild, whose exports are getters, which would cost at each use of a function of another file.
import { parse } from 'acorn';

/**
 * `resolve` gives the file behind a relative specifier; `mark(import('…'))` is where a file is loaded late. Comments are
 * left out: they are in the declarations and in the sources, and text of plain ASCII is read faster.
 */
export function toCommonJs(text, resolve, mark) {
  const edits = [];
  const exports = [];
  let usesUrl = false;
  const onComment = (_block, _text, start, end) => edits.push(wholeLine(text, start, end));
  const tree = parse(text, { ecmaVersion: 'latest', sourceType: 'module', onComment });
  const replace = ({ start, end }, by) => edits.push({ start, end, text: by });
  for (const node of tree.body) {
    for (const name of declared(node)) {
      if (/^(?:module|exports|require|__filename|__dirname)$/.test(name)) {
        throw new Error(`a module of CommonJS has a \`${name}\` already: give this one another name`);
      }
    }
    if (node.type === 'ImportDeclaration') replace(node, importOf(node, resolve));
    else if (node.type === 'ExportNamedDeclaration') {
      if (node.source !== null || node.declaration !== null)
        throw new Error(`an export that is no list: ${text.slice(node.start, node.end)}`);
      exports.push(...node.specifiers.map(({ local, exported }) => [exported.name, local.name]));
      replace(node, '');
    } else if (/^Export/.test(node.type)) throw new Error(`no list of exports: ${node.type}`);
  }
  walk(tree, (node) => {
    if (node.type === 'CallExpression' && node.callee.name === mark) {
      replace(node, `require(${JSON.stringify(resolve(node.arguments[0].source.value))})`);
    } else if (node.type === 'MemberExpression' && node.object.type === 'MetaProperty') {
      if (node.property.name !== 'url') throw new Error(`import.meta.${node.property.name}`);
      usesUrl = true;
      replace(node, 'ownUrl()');
    }
  });
  const parts = [
    "'use strict';",
    ...(usesUrl ? [OWN_URL] : []),
    apply(text, edits).trim(),
    exportsOf(exports),
  ];
  return { text: parts.join('\n'), exports: exports.map(([name]) => name) };
}

/** Undefined where a bundler has made an ES module of the file. */
const OWN_URL = `const ownUrl = () =>
  typeof __filename === 'string' ? process.getBuiltinModule('node:url').pathToFileURL(__filename).href : undefined;`;

/** A comment, with its line where it stands alone. */
function wholeLine(text, start, end) {
  const before = text.lastIndexOf('\n', start - 1) + 1;
  const alone = text.slice(before, start).trim() === '' && text[end] === '\n';
  return alone ? { start: before, end: end + 1, text: '' } : { start, end, text: '' };
}

/** Names that a statement at the top of a module declares. */
function declared({ type, specifiers, declarations, id }) {
  if (type === 'ImportDeclaration') return specifiers.map(({ local }) => local.name);
  if (type === 'VariableDeclaration') return declarations.map((each) => each.id.name ?? '');
  return [id?.name ?? ''];
}

function importOf({ source: { value }, specifiers }, resolve) {
  const module = value.startsWith('node:')
    ? // Bundles in ES modules have no `require` for what stays outside.
      `process.getBuiltinModule(${JSON.stringify(value)})`
    : `require(${JSON.stringify(value.startsWith('.') ? resolve(value) : value)})`;
  if (specifiers.length === 0) return `${module};`;
  const named = specifiers.filter(({ type }) => type === 'ImportSpecifier');
  const whole = specifiers.filter(({ type }) => type !== 'ImportSpecifier');
  const list = named.map(({ imported, local }) =>
    imported.name === local.name ? local.name : `${imported.name}: ${local.name}`,
  );
  return [
    ...whole.map(({ local }) => `const ${local.name} = ${module};`),
    ...(list.length === 0 ? [] : [`const { ${list.join(', ')} } = ${module};`]),
  ].join('\n');
}

function exportsOf(exports) {
  if (exports.length === 0) return '';
  const list = exports.map(([name, local]) => (name === local ? name : `${name}: ${local}`));
  return `module.exports = {\n  ${list.join(',\n  ')},\n};\n`;
}

function apply(text, edits) {
  let out = '';
  let at = 0;
  for (const { start, end, text: by } of edits.sort((a, b) => a.start - b.start)) {
    if (start < at) continue;
    out += text.slice(at, start) + by;
    at = end;
  }
  return out + text.slice(at);
}

function walk(node, visit) {
  if (Array.isArray(node)) for (const each of node) walk(each, visit);
  else if (typeof node?.type === 'string') {
    visit(node);
    for (const value of Object.values(node)) if (typeof value === 'object') walk(value, visit);
  }
}

import { builtinModules } from 'node:module';
import { isArgumentsObject, isProxy } from 'node:util/types';
import { SerializationError } from '../../errors.js';
import { type Analysis, analyze } from './analyze.js';
import { withHash } from './code-record.js';
import { exportOf } from './export-reference.js';
import { isDefaultGlobal } from './globals.js';
import { pureWeight, type Weight } from './heavy.js';
import { moduleInVariable, staticImport } from './import-binding.js';
import { type InspectedScope, type Inspection, inspect, inspectorRefusal } from './inspect.js';
import { lazyGlobalPath } from './intrinsics.js';
import { readNamed, readPlatform } from './known-function.js';
import { builtinExportFrom, moduleExporting } from './known-modules.js';
import { layOut } from './lay-out.js';
import { isRequire, readMadeByNode } from './made-by-node.js';
import { type ModuleInfo, moduleInfo } from './module-info.js';
import { type Locate, originalPlaces } from './original-place.js';
import { pathOf } from './paths.js';
import { hasNoFile, type Place, placeOf, scopesOf } from './place.js';
import { type Capture, type CodeRecord, type ImportBinding, type Reading, viteNames } from './reading.js';
import { locateWithoutInspector } from './uninspected.js';

/** Readings that cannot change: no captures, or none that anything in the file assigns to. */
const stable = new WeakMap<Function, Reading>();

/** How a function reads whenever it is read, where that is known. */
export function stableReading(fn: Function): Reading | undefined {
  return stable.get(fn);
}

/**
 * Reads a live function: what it is known by, or its code and the values of the variables it captures, as they
 * are now. Throws {@link SerializationError} where it cannot travel.
 */
export function readFunction(fn: Function): Reading {
  const known = stable.get(fn);
  if (known) return known;
  const named = readNamed(fn);
  if (named) return kept(fn, named);
  if (isProxy(fn)) {
    throw new SerializationError(
      `${describe(fn)} is a Proxy around a function, which cannot travel to a worker. Pass the function itself.`,
    );
  }
  const text = Function.prototype.toString.call(fn);
  const isNative = /\{\s*\[native code\]\s*\}$/.test(text.slice(-40));
  // All that the platform exports is dear to list: only where nothing else tells whose the function is.
  const platform = isNative || inspectorRefusal() ? readPlatform(fn) : undefined;
  if (platform) return kept(fn, platform);
  if (isNative) return readNative(fn);
  const analysis = analyze(text);
  probeStack(400);
  const inspection = inspectorRefusal() ? undefined : inspect(fn);
  const place = inspection
    ? placeOf(inspection, analysis, hasNoFile(text))
    : locateWithoutInspector(text, analysis);
  if (place.file?.startsWith('node:')) {
    const own = readPlatform(fn);
    if (own) return kept(fn, own);
    const path = lazyGlobalPath(fn);
    if (path !== undefined) return { kind: 'intrinsic', path };
    const builtin = builtinExportFrom(fn, place.file);
    if (builtin !== undefined) return { kind: 'export', module: builtin.module, name: builtin.name };
    const made = inspection && readMadeByNode(fn, text, inspection);
    if (made === undefined) throw nativeError(fn);
    stable.set(fn, made);
    return made;
  }
  const exported = place.url === undefined ? undefined : exportOf(fn, place.url, inspection, analysis);
  if (exported) {
    const reading: Reading = { kind: 'export', module: exported.module, name: exported.name };
    stable.set(fn, reading);
    return reading;
  }
  const reading = new CodeReader(fn, analysis, place, inspection).read();
  if (reading.stable) stable.set(fn, reading.reading);
  return reading.reading;
}

/**
 * What reads a function needs room on the stack: where it ran out inside the parser or the inspector, it would look
 * like code that does not parse or has no variables. Here it runs out first.
 */
function probeStack(frames: number): number {
  const [a, b, c, d] = [frames, frames + 1, frames + 2, frames + 3];
  return frames === 0 ? a + b : probeStack(frames - 1) + c + d;
}

function kept(fn: Function, reading: Reading): Reading {
  stable.set(fn, reading);
  return reading;
}

function readNative(fn: Function): Reading {
  const lazy = lazyGlobalPath(fn);
  if (lazy !== undefined) return { kind: 'intrinsic', path: lazy };
  const refusal = inspectorRefusal();
  if (refusal) {
    if (fn.name.startsWith('bound '))
      throw inspectorError(`${describe(fn)} is a bound function: reading`, refusal);
    throw nativeError(fn);
  }
  const { bound } = inspect(fn);
  if (!bound) throw nativeError(fn);
  return { kind: 'bound', ...bound };
}

/** Records that are kept of one text. */
const MOST = 2000;

type Provided = CodeRecord['provides'][number];

interface Resolved {
  readonly captures: Capture[];
  readonly imports: ImportBinding[];
  readonly provides: Provided[];
  /** What kind of thing each free name turned out to be; the same kinds give the same code record. */
  shape: string;
  stable: boolean;
  /** `arguments` is an ordinary variable here, which sloppy code may have. */
  argumentsName: boolean;
}

/** Records by analysis, place and shape, so that fresh closures of the same code are not hashed again. */
const records = new WeakMap<Analysis, Map<string, CodeRecord>>();
const weights = new WeakMap<CodeRecord, Weight>();

/** Whether code of one's own, or a function of the language, is light; undefined for what was not read here. */
export function weightOf(reading: Extract<Reading, { kind: 'code' | 'intrinsic' }>): Weight | undefined {
  return reading.kind === 'code' ? weights.get(reading.code) : pureWeight(reading.path);
}

class CodeReader {
  private infoRead: ModuleInfo | undefined | null = null;

  constructor(
    private readonly fn: Function,
    private readonly analysis: Analysis,
    private readonly place: Place,
    private readonly inspection: Inspection | undefined,
  ) {}

  private get scopes(): readonly InspectedScope[] | undefined {
    return this.inspection && scopesOf(this.inspection);
  }

  read(): { reading: Reading; stable: boolean } {
    this.refuseLexical();
    const resolved: Resolved = {
      captures: [],
      imports: [],
      provides: [],
      shape: '',
      stable: true,
      argumentsName: false,
    };
    for (const name of this.analysis.free) this.resolve(name, resolved);
    if (this.analysis.importMeta !== undefined) resolved.provides.push('import.meta');
    if (this.analysis.usesArguments) this.captureArguments(resolved);
    const { eager, isClass } = this.analysis;
    if (isClass) resolved.captures.sort((a, b) => Number(eager.has(b.name)) - Number(eager.has(a.name)));
    const code = this.record(resolved);
    return { reading: { kind: 'code', code, captures: resolved.captures }, stable: resolved.stable };
  }

  private get info(): ModuleInfo | undefined {
    if (this.infoRead === null) {
      this.infoRead = this.place.file === undefined ? undefined : moduleInfo(this.place.file);
    }
    return this.infoRead;
  }

  private refuseLexical(): void {
    const use = this.analysis.lexical[0];
    if (!use) return;
    const at = this.at(use.position.line, use.position.column);
    const fn = describe(this.fn);
    if (use.what === 'this') {
      throw new SerializationError(
        `${fn} uses \`this\` of the code around it (${at}), which cannot be captured. Copy what it needs into a variable first (\`const self = this\`, or \`const { field } = this\`) and use that.`,
      );
    }
    if (use.what === 'private name') {
      throw new SerializationError(
        `${fn} uses the private name \`#${use.name}\` of the class around it (${at}), which exists only in that class. Read it into a variable first, or pass the value as an argument.`,
      );
    }
    const instead =
      use.what === 'super'
        ? 'Send the whole class, or call the parent method by name (`Parent.prototype.method.call(this)`).'
        : 'Copy it into a variable first and use that.';
    throw new SerializationError(
      `${fn} uses \`${use.what}\` of the code around it (${at}), which cannot be captured. ${instead}`,
    );
  }

  private at(line: number, column: number): string {
    const { file } = this.place;
    const written = { line: this.place.line + line, column: (line === 0 ? this.place.column : 0) + column };
    const shown = this.originals()?.(written.line, written.column) ?? written;
    return `${(file && pathOf(file)) ?? file ?? 'in its text'}:${shown.line + 1}:${shown.column + 1}`;
  }

  /** How to map places of this function; undefined where the file holds the text that runs. */
  private originals(): Locate | undefined {
    const { file, line, column } = this.place;
    if (file === undefined) return undefined;
    const text = this.info?.text;
    if (text?.startsWith(this.analysis.source, offsetOf(text, line, column))) return undefined;
    return originalPlaces(file);
  }

  private resolve(name: string, resolved: Resolved): void {
    const scope = this.scopes?.find((candidate) => candidate.type !== 'Global' && holds(candidate, name));
    if (!scope && name === this.analysis.heritage && !isDefaultGlobal(name)) {
      resolved.captures.push({ name, value: Object.getPrototypeOf(this.fn) as unknown });
      resolved.shape += `${name};`;
      return;
    }
    if (!scope) {
      this.resolveGlobal(name, resolved);
      return;
    }
    const value = this.readVariable(scope, name);
    const binding = this.importOf(name, scope, value);
    this.refuseWrite(name, binding !== undefined);
    if (binding) {
      resolved.imports.push(binding);
      resolved.shape += `${name}=${binding.module.specifier},${binding.imported};`;
      return;
    }
    const provided = this.provided(name, value);
    if (provided) {
      resolved.provides.push(provided);
      resolved.shape += `${name}!;`;
      return;
    }
    resolved.captures.push({ name, value });
    resolved.shape += `${name};`;
    resolved.stable &&= value !== undefined && this.isStable(name);
  }

  /** Names in no scope: globals stay free, except those that users made. */
  private resolveGlobal(name: string, resolved: Resolved): void {
    if (isDefaultGlobal(name)) return;
    if (this.scopes && this.analysis.definedWith.has(name) && !(name in globalThis)) {
      throw new SerializationError(
        `${describe(this.fn)} has a computed member name that uses \`${name}\`, which the engine did not keep after the class was defined. Use \`${name}\` in one of its methods as well, or export the class from a module of its own.`,
        { path: name },
      );
    }
    const provided = this.scopes ? undefined : this.providedWithoutScopes(name);
    if (provided) {
      resolved.provides.push(provided);
      resolved.shape += `${name}!;`;
      return;
    }
    // The function's own: one of a vm context has another.
    const global = this.scopes?.findLast((scope) => scope.type === 'Global')?.variables ?? globalThis;
    if (this.scopes || name in global) {
      if (!Object.hasOwn(global, name)) return;
      if (this.resolveEvalGlobal(name, resolved)) return;
      const descriptor = Object.getOwnPropertyDescriptor(global, name);
      if (descriptor && !descriptor.enumerable) return;
      this.refuseWrite(name, false);
      resolved.captures.push({ name, value: (global as Record<string, unknown>)[name] });
      resolved.shape += `${name};`;
      resolved.stable = false;
      return;
    }
    throw inspectorError(
      `${describe(this.fn)} uses the variable \`${name}\` of the code around it: reading`,
      inspectorRefusal(),
    );
  }

  /** `node -e` has `require` and every builtin module as globals; a worker has not. */
  private resolveEvalGlobal(name: string, resolved: Resolved): boolean {
    const descriptor = Object.getOwnPropertyDescriptor(globalThis, name);
    if (name === 'require' && isRequire(descriptor?.value)) resolved.provides.push('require');
    else if (descriptor && !descriptor.enumerable && builtinModules.includes(name)) {
      resolved.imports.push({ name, module: { specifier: `node:${name}` }, imported: '=' });
    } else return false;
    resolved.shape += `${name}!;`;
    return true;
  }

  private readVariable(scope: InspectedScope, name: string): unknown {
    let value: unknown;
    let dead = false;
    try {
      value = scope.variables[name];
    } catch {
      dead = true;
    }
    // Node.js 20 and 22 show a variable in its dead zone as undefined; one whose every declaration gives it
    // a value cannot hold undefined otherwise.
    if (value === undefined && !dead) {
      dead = this.info?.defined.has(name) === true && !this.info.assigned.has(name);
    }
    if (!dead) return value;
    throw new SerializationError(
      `${describe(this.fn)} uses \`${name}\`, which is not initialised yet at this point. Make the call after \`${name}\` has got its value.`,
      { path: name },
    );
  }

  private importOf(name: string, scope: InspectedScope, value: unknown): ImportBinding | undefined {
    const { file } = this.place;
    if (file === undefined) return undefined;
    if (scope.type === 'Module' && this.info?.imports.has(name)) return staticImport(name, this.info, file);
    // Only variables of the module's own wrapper hold modules under these names; others do by identity alone.
    return moduleInVariable(name, value, this.info, file);
  }

  private provided(name: string, value: unknown): Provided | undefined {
    const path = this.place.file === undefined ? undefined : pathOf(this.place.file);
    // One that the code made itself may be of another place; it travels as a value.
    if (name === 'require') return isRequire(value) && this.info?.isModule !== true ? 'require' : undefined;
    const vite = viteNames.find((known) => known === name);
    if (vite !== undefined) return vite;
    if (path === undefined) return undefined;
    switch (name) {
      case '__filename':
      case '__dirname':
        return typeof value === 'string' && path.startsWith(value) ? name : undefined;
      case 'module':
        return typeof value === 'object' && value !== null && moduleExporting(value) === value
          ? 'module'
          : undefined;
      default:
        return undefined;
    }
  }

  private providedWithoutScopes(name: string): Provided | undefined {
    if (this.info?.isModule !== false) return undefined;
    return name === 'require' || name === '__filename' || name === '__dirname' ? name : undefined;
  }

  private refuseWrite(name: string, imported: boolean): void {
    const write = this.analysis.writes.get(name);
    if (!write) return;
    const what = imported ? 'import' : 'captured variable';
    throw new SerializationError(
      `${describe(this.fn)} assigns to the ${what} \`${name}\` (${this.at(write.line, write.column)}). A task works on copies, so the assignment would be lost: return the value instead, or use shared memory.`,
      { path: name },
    );
  }

  private captureArguments(resolved: Resolved): void {
    const scope = this.scopes?.find((candidate) => holds(candidate, 'arguments'));
    if (!scope) {
      throw inspectorError(
        `${describe(this.fn)} uses \`arguments\` of the function around it: reading`,
        inspectorRefusal(),
      );
    }
    const value = scope.variables['arguments'];
    resolved.stable = false;
    if (isArgumentsObject(value)) {
      resolved.captures.push({
        name: 'arguments',
        value: Array.from(value as unknown as ArrayLike<unknown>),
      });
      return;
    }
    resolved.argumentsName = true;
    resolved.shape += 'arguments;';
    resolved.captures.push({ name: 'arguments', value });
  }

  private isStable(name: string): boolean {
    const { info } = this;
    return info !== undefined && !info.opaque && !info.assigned.has(name);
  }

  private record(resolved: Resolved): CodeRecord {
    const { analysis, place } = this;
    const name = analysis.named ? undefined : ownName(this.fn);
    const key = `${place.line}:${place.column}:${name ?? ''}\n${resolved.shape}\n${place.file}`;
    let known = records.get(analysis);
    const found = known?.get(key);
    if (found) return found;
    if (known === undefined || known.size >= MOST) {
      known = new Map();
      records.set(analysis, known);
    }
    const strict = analysis.strict || this.isStrict();
    const locate = this.originals();
    const laid = locate && layOut(analysis.source, analysis.form, place, locate);
    const content: Omit<CodeRecord, 'hash'> = {
      source: analysis.source,
      isClass: analysis.isClass,
      form: analysis.form,
      file: place.file,
      line: place.line,
      column: place.column,
      strict,
      forgets:
        analysis.forgets && resolved.imports.length + resolved.provides.length === 0 ? true : undefined,
      name,
      names: resolved.captures
        .map((capture) => capture.name)
        .filter((captured) => captured !== 'arguments' || resolved.argumentsName),
      eager: analysis.isClass
        ? resolved.captures.filter((capture) => analysis.eager.has(capture.name)).length
        : undefined,
      imports: resolved.imports,
      provides: resolved.provides,
      importMeta: analysis.importMeta,
      usesArguments: analysis.usesArguments && !resolved.argumentsName,
      ...laid,
    };
    const record = withHash(content);
    known.set(key, record);
    weights.set(record, analysis.weight);
    return record;
  }

  private isStrict(): boolean {
    if (this.scopes?.some((scope) => scope.type === 'Module')) return true;
    // Sloppy functions have own `caller` and `arguments`; strict ones, arrows and methods do not.
    if (Object.hasOwn(this.fn, 'caller')) return false;
    return this.info?.strict ?? false;
  }
}

function offsetOf(text: string, line: number, column: number): number {
  let start = 0;
  for (let passed = 0; passed < line; passed++) {
    start = text.indexOf('\n', start) + 1;
    if (start === 0) return text.length;
  }
  return start + column;
}

function holds(scope: InspectedScope, name: string): boolean {
  try {
    return scope.type === 'With' ? name in scope.variables : Object.hasOwn(scope.variables, name);
  } catch {
    // Newer V8 throws for a variable in its dead zone: it is there.
    return true;
  }
}

function ownName(fn: Function): string | undefined {
  const value: unknown = Object.getOwnPropertyDescriptor(fn, 'name')?.value;
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function describe(fn: Function): string {
  const name = ownName(fn);
  return name === undefined ? 'The function' : `The function \`${name}\``;
}

const nativeRefusals = new WeakSet<object>();

/** Whether {@link readFunction} refused a function because it is Node's own. */
export function isNativeRefusal(error: unknown): boolean {
  return typeof error === 'object' && error !== null && nativeRefusals.has(error);
}

function nativeError(fn: Function): SerializationError {
  const error = new SerializationError(
    `${describe(fn)} is a native function that no module exports, so it cannot travel to a worker. Call it inside a function of your own, or pass what it works on as an argument.`,
  );
  nativeRefusals.add(error);
  return error;
}

function inspectorError(what: string, cause: Error | undefined): SerializationError {
  const code = (cause as NodeJS.ErrnoException | undefined)?.code;
  const why =
    code === 'ERR_ACCESS_DENIED'
      ? 'which --permission blocks (Node.js 24 and later: allow it with --allow-inspector)'
      : `which is not available here (${cause?.message ?? 'unknown reason'})`;
  return new SerializationError(
    `${what} captured variables needs the inspector, ${why}. Pass the values as arguments instead.`,
    { cause },
  );
}

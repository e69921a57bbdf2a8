import type * as inspectorModule from 'node:inspector';

/** One scope of a closure, innermost first. `names` reads a variable; it throws while that is in its dead zone. */
export interface InspectedScope {
  readonly type: string;
  readonly variables: Record<string, unknown>;
}

export interface Inspection {
  readonly scriptId: string | undefined;
  /** 0-based. */
  readonly line: number;
  readonly column: number;
  readonly scopes: readonly InspectedScope[];
  readonly bound?: {
    readonly target: Function;
    readonly thisArg: unknown;
    readonly args: readonly unknown[];
  };
}

interface RemoteValue {
  readonly type: string;
  readonly objectId?: string;
  readonly value?: unknown;
  readonly unserializableValue?: string;
}

interface Slot {
  fn: unknown;
  out: unknown;
}

// The only object that every vm context of a thread reaches alike (vitest and jest give each file a context
// with a globalThis of its own) is the module object of a builtin.
const slotKey = `simul:inspect:${Math.random().toString(36).slice(2)}`;
const group = 'simul';

let session: inspectorModule.Session | undefined;
let refusal: Error | undefined;
const urls = new Map<string, string>();

function connect(): inspectorModule.Session {
  if (session) return session;
  if (refusal) throw refusal;
  try {
    const inspector = process.getBuiltinModule('node:inspector');
    if (!inspector?.Session) throw new Error('this Node.js was built without the inspector');
    const made = new inspector.Session();
    made.connect();
    session = made;
    return made;
  } catch (error) {
    refusal = error instanceof Error ? error : new Error(String(error));
    throw refusal;
  }
}

/** Why scopes cannot be read in this process, or undefined where they can. */
export function inspectorRefusal(): Error | undefined {
  try {
    connect();
    return undefined;
  } catch (error) {
    return error as Error;
  }
}

/** A session to the own thread calls back before `post` returns. */
function post<T>(method: string, parameters: object = {}): T {
  let failure: Error | null = null;
  let result: unknown;
  connect().post(method, parameters, (error: Error | null, value?: object) => {
    failure = error;
    result = value;
  });
  if (failure) throw failure;
  return result as T;
}

/**
 * Reads location, scopes and bound parts of a function. Needs no `Debugger.enable`, which would slow all
 * awaits of the process. Throws where the inspector is not allowed. The scopes are read when they are first asked
 * for, which has to be at once.
 */
export function inspect(fn: Function): Inspection {
  const objectId = handleOf(fn);
  releaseSoon();
  const { internalProperties = [] } = post<{
    internalProperties?: { name: string; value?: RemoteValue }[];
  }>('Runtime.getProperties', { objectId, ownProperties: true });
  const internal = (name: string) => internalProperties.find((property) => property.name === name)?.value;
  const target = internal('[[TargetFunction]]');
  if (target) return inspectBound(target, internal('[[BoundThis]]'), internal('[[BoundArgs]]'));
  const location = internal('[[FunctionLocation]]')?.value as
    | { scriptId: string; lineNumber: number; columnNumber: number }
    | undefined;
  const scopesId = internal('[[Scopes]]')?.objectId;
  let scopes: readonly InspectedScope[] | undefined;
  return {
    scriptId: location?.scriptId,
    line: location?.lineNumber ?? 0,
    column: location?.columnNumber ?? 0,
    get scopes() {
      scopes ??= scopesId === undefined ? [] : readScopes(scopesId);
      return scopes;
    },
  };
}

/** Where functions are put for the inspector to find, and scopes for us. */
const slot: Slot = { fn: undefined, out: undefined };
let slotId: string | undefined;

function handleOf(fn: Function): string {
  slotId ??= handleOfSlot();
  slot.fn = fn;
  const { objectId } = post<{ result: RemoteValue }>('Runtime.callFunctionOn', {
    objectId: slotId,
    functionDeclaration: 'function(){return this.fn}',
    silent: true,
    objectGroup: group,
  }).result;
  slot.fn = undefined;
  if (objectId === undefined) throw new Error('closure: the inspector gave no handle of the function');
  return objectId;
}

/** In no group, so that it stays. */
function handleOfSlot(): string {
  const holder = process.getBuiltinModule('node:util') as unknown as Record<string, Slot>;
  Object.defineProperty(holder, slotKey, { value: slot, configurable: true, enumerable: false });
  const expression = `process.getBuiltinModule('node:util')[${JSON.stringify(slotKey)}]`;
  const { objectId } = post<{ result: RemoteValue }>('Runtime.evaluate', { expression, silent: true }).result;
  delete holder[slotKey];
  if (objectId === undefined) throw new Error('closure: the inspector gave no handle');
  return objectId;
}

let releasing = false;

/** Handles are let go together: many functions are read in one go. */
function releaseSoon(): void {
  if (releasing) return;
  releasing = true;
  queueMicrotask(() => {
    releasing = false;
    post('Runtime.releaseObjectGroup', { objectGroup: group });
  });
}

function readScopes(scopesId: string): InspectedScope[] {
  hand('function(a){this.out=a}', [{ objectId: scopesId }]);
  const raw = take() as { description: string; object: Record<string, unknown> }[];
  const scopes: InspectedScope[] = [];
  for (let i = 0; i < raw.length; i++) {
    const { description, object } = raw[i]!;
    const end = description.indexOf(' ');
    scopes.push({ type: end < 0 ? description : description.slice(0, end), variables: object });
  }
  return scopes;
}

/** What was handed over; it is not to be kept alive here. */
function take(): unknown {
  const { out } = slot;
  slot.out = undefined;
  return out;
}

function hand(functionDeclaration: string, parameters: object[]): void {
  const answer = post<{ exceptionDetails?: { text: string } }>('Runtime.callFunctionOn', {
    objectId: slotId,
    functionDeclaration,
    arguments: parameters,
    silent: true,
    returnByValue: false,
    objectGroup: group,
  });
  if (answer.exceptionDetails) throw new Error(`closure: ${answer.exceptionDetails.text}`);
}

function inspectBound(
  target: RemoteValue,
  thisArg: RemoteValue | undefined,
  args: RemoteValue | undefined,
): Inspection {
  hand('function(...a){this.out=a}', [target, thisArg, args].map(asArgument));
  const [fn, self, list] = take() as [Function, unknown, ArrayLike<unknown> | undefined];
  return {
    scriptId: undefined,
    line: 0,
    column: 0,
    scopes: [],
    bound: { target: fn, thisArg: self, args: list ? Array.from(list) : [] },
  };
}

function asArgument(remote: RemoteValue | undefined): object {
  if (remote?.objectId !== undefined) return { objectId: remote.objectId };
  if (remote?.unserializableValue !== undefined) return { unserializableValue: remote.unserializableValue };
  if (!remote || remote.type === 'undefined') return {};
  return { value: remote.value ?? null };
}

interface Thrown {
  readonly exceptionDetails?: {
    readonly stackTrace?: {
      readonly callFrames: readonly { readonly scriptId: string; readonly url: string }[];
    };
  };
}

/** Most functions are sent by the file that they stand in, which is on the stack then: an exception tells its frames. */
function askStack(): void {
  post('Runtime.enable');
  const { exceptionDetails } = post<Thrown>('Runtime.evaluate', {
    expression: 'throw undefined',
    silent: true,
  });
  post('Runtime.disable');
  for (const { scriptId, url } of exceptionDetails?.stackTrace?.callFrames ?? []) {
    if (url !== '') urls.set(scriptId, fileBehind(url));
  }
}

/**
 * The URL of a script, '' where it has none. The inspector tells scripts by id only; where the stack does not help, the
 * coverage report lists ids with URLs and needs no Debugger. The profiler stays enabled (which costs nothing): disabling it would
 * end the coverage of someone else (NODE_V8_COVERAGE).
 */
export function scriptUrl(scriptId: string): string {
  const found = urls.get(scriptId);
  if (found !== undefined) return found;
  askStack();
  const calling = urls.get(scriptId);
  if (calling !== undefined) return calling;
  post('Profiler.enable');
  const { result } = post<{ result: { scriptId: string; url: string }[] }>('Profiler.getBestEffortCoverage');
  for (const script of result) urls.set(script.scriptId, fileBehind(script.url));
  if (!urls.has(scriptId)) askDebugger();
  const url = urls.get(scriptId);
  if (url === undefined) urls.set(scriptId, '');
  return url ?? '';
}

/**
 * Coverage leaves out scripts of which V8 has counted nothing, such as a small CommonJS module. The debugger
 * announces every script while it is being enabled; it is on for that moment only, with no await in between.
 */
function askDebugger(): void {
  const announced = (message: { params: { scriptId: string; url: string } }): void => {
    urls.set(message.params.scriptId, fileBehind(message.params.url));
  };
  const made = connect();
  made.on('Debugger.scriptParsed', announced);
  try {
    post('Debugger.enable');
  } finally {
    post('Debugger.disable');
    made.off('Debugger.scriptParsed', announced);
  }
}

/** A `data:` URL of compiled code is no address; some loaders name the file in it. */
function fileBehind(url: string): string {
  if (!url.startsWith('data:')) return url;
  const file = /[?&]filePath=([^&]+)$/.exec(url.slice(-4096))?.[1];
  if (file === undefined) return '';
  try {
    return decodeURIComponent(file);
  } catch {
    return file;
  }
}

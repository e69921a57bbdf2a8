/**
 * What reading a function yields: the contract between the two halves of the codec. `readFunction` makes a
 * {@link Reading} of a live function; `buildFunction` makes a function of a code record and its captures.
 */

/** A module as the worker has to import it: `specifier` as written in the file `from`. */
export interface ModuleRef {
  /** A builtin (`node:os`), a file URL, or a specifier to resolve from `from`. */
  readonly specifier: string;
  /** The file (URL or absolute path) whose import this is; absent for builtins and file URLs. */
  readonly from?: string | undefined;
}

/** An import that a function uses: bound afresh in the worker, never sent as a value. */
export interface ImportBinding {
  /** The free name in the function's source. */
  readonly name: string;
  readonly module: ModuleRef;
  /** The exported name, `'default'`, or `'*'` for the namespace; `'='` for what `require()` returns. */
  readonly imported: string;
  /** True where compiled code holds `{ default: … }` or a wrapped namespace in this name (`import_x`, `x_1`). */
  readonly wrapped?: 'interop' | undefined;
}

/** The code of one function or class; immutable, known by its hash, sent to a worker once. */
export interface CodeRecord {
  /** Content hash over all other fields. */
  readonly hash: string;
  /** An expression that evaluates to the function or class, laid out as in the original file. */
  readonly source: string;
  /** True for class text. */
  readonly isClass: boolean;
  /** Method, getter and setter text has to be wrapped into an object literal and picked out again. */
  readonly form: 'expression' | 'method' | 'get' | 'set';
  /** URL or path of the user's file, where known. */
  readonly file: string | undefined;
  /** 0-based position of the text in that file. */
  readonly line: number;
  readonly column: number;
  readonly strict: boolean;
  /** A call of it leaves nothing behind but its result; see `forgets.ts`. */
  readonly forgets?: true | undefined;
  /** The function's `name` where its text does not say it: `const score = (row) => …`. */
  readonly name?: string | undefined;
  /** Captured names, in the order in which the captures travel. */
  readonly names: readonly string[];
  /** For classes: how many of `names`, the first ones, are used while the class is being defined. */
  readonly eager?: number | undefined;
  readonly imports: readonly ImportBinding[];
  /** Module-bound names the source uses, provided by the worker for `file`. */
  readonly provides: readonly (
    | 'require'
    | '__filename'
    | '__dirname'
    | 'module'
    | 'import.meta'
    | (typeof viteNames)[number]
  )[];
  /** The name that the source has in place of `import.meta`. */
  readonly importMeta?: string | undefined;
  /** An arrow that uses `arguments` of the function around it; the value is captured last, after `names`. */
  readonly usesArguments: boolean;
}

/** What Vite makes of `import()` and `import.meta`. */
export const viteNames = ['__vite_ssr_dynamic_import__', '__vite_ssr_import_meta__'] as const;

/** One captured variable, read at the moment of the call. */
export interface Capture {
  readonly name: string;
  readonly value: unknown;
}

export type Reading =
  /** A function every JavaScript realm of Node has: `Math.sqrt`, `Array.prototype.map`. */
  | { readonly kind: 'intrinsic'; readonly path: string }
  /** An export of an importable module. */
  | { readonly kind: 'export'; readonly module: ModuleRef; readonly name: string }
  | {
      readonly kind: 'bound';
      readonly target: Function;
      readonly thisArg: unknown;
      readonly args: readonly unknown[];
    }
  | {
      readonly kind: 'code';
      readonly code: CodeRecord;
      readonly captures: readonly Capture[];
      /** The code makes the function with all its properties. */
      readonly complete?: boolean;
    };

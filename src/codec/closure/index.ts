export { type Built, buildFunction } from './build.js';
export { setEntry } from './entry.js';
export { intrinsicPath, lazyGlobalPath, resolveIntrinsic } from './intrinsics.js';
export { builtinExport } from './known-modules.js';
export { onTypeScriptNeeded, prepareCode, prepareModules, resolveExport } from './modules.js';
export { readFunction } from './read-function.js';
export type { Capture, CodeRecord, ImportBinding, ModuleRef, Reading } from './reading.js';
export { markSelf, provideSelf, selfSpecifier } from './self.js';

export type { CodeRecord, ModuleRef } from './closure/index.js';
export {
  entryFile,
  exportByName,
  isStateless,
  markSelf,
  onTypeScriptNeeded,
  provideSelf,
  setEntry,
  whyNotLight,
} from './closure/index.js';
export { type AssetBounds, AssetStore, bytesOf, staysWithSender } from './data/asset-store.js';
export { ClassShelf } from './data/class-shelf.js';
export { ClassScope } from './data/classes.js';
export { transfer } from './data/moving.js';
export { Packer, pack, packError } from './data/pack.js';
export { registerSpecial, registerType, type TypeRegistration } from './data/registry.js';
export { prepare, prepareAssets, type Unpacker, unpack, unpacker } from './data/unpack.js';
export type { Asset, Packed } from './packed.js';

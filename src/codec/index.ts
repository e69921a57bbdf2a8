export type { CodeRecord, ModuleRef } from './closure/index.js';
export {
  entryFile,
  exportByName,
  isPristine,
  isStateless,
  keepBuilt,
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
export { asArgument, putValue, type Ref } from './data/ref.js';
export { registerSpecial, registerType, type TypeRegistration } from './data/registry.js';
export {
  ENDED,
  endValue,
  hearOfEnd,
  type Keeper,
  knownValue,
  onEnd,
  type ValueHead,
} from './data/stored-value.js';
export { prepare, prepareAssets, type Unpacker, unpack, unpacker } from './data/unpack.js';
export type { Asset, Packed, ValueAsset } from './packed.js';

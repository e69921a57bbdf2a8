/** Registered types go to a worker before values or functions that may need them. */
import type { Asset } from '../packed.js';
import type { Encoder } from './encoder.js';
import { packExact } from './pack.js';
import type { TypeRegistration } from './registry.js';

const assets = new WeakMap<TypeRegistration, Asset[]>();
const underWay = new Set<TypeRegistration>();

export function provideType(encoder: Encoder, type: TypeRegistration): void {
  // The functions of a type may use the type: they need it no sooner than it is there.
  if (underWay.has(type)) return;
  let list = assets.get(type);
  if (list === undefined) {
    underWay.add(type);
    try {
      const functions = packExact([type.match, type.encode, type.decode], `registerType("${type.name}")`);
      list = [...functions.assets, { kind: 'type', hash: `t:${type.name}`, name: type.name, functions }];
      assets.set(type, list);
    } finally {
      underWay.delete(type);
    }
  }
  for (const asset of list) encoder.assets.set(asset.hash, asset);
}

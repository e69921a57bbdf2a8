import { buildFunction } from '../closure/index.js';
import { ownOrCopy } from './classes.js';
import { decodeProperties } from './decode-object.js';
import { type Decoder, PENDING } from './decoder.js';

export function decodeCode(decoder: Decoder, id: number): Function {
  const hash = decoder.text();
  const tag = decoder.text();
  const asset = decoder.assets.get(hash);
  if (asset?.kind !== 'code') return decoder.corrupt(`the code ${hash} is not here`);
  const count = decoder.count();
  const captures: unknown[] = new Array(count);
  const late: number[] = [];
  const lateIds: number[] = [];
  for (let i = 0; i < count; i++) {
    const value = decoder.value();
    if (value === PENDING) {
      late.push(i);
      lateIds.push(decoder.pendingId);
    } else captures[i] = value;
  }
  const { value: copy, bind } = buildFunction(asset.code, captures, late);
  for (let i = 0; i < late.length; i++) {
    const at = late[i]!;
    decoder.pendingId = lateIds[i]!;
    decoder.whenBuilt(PENDING, (built) => bind?.(at, built));
  }
  const fn = tag === '' ? copy : ownOrCopy(tag, copy);
  decoder.define(id, fn);
  // Own properties of a class that is this side's own are read and dropped: it has its own.
  decodeOwn(decoder, fn === copy ? fn : Object.create(null));
  return fn;
}

function decodeOwn(decoder: Decoder, fn: Function): void {
  for (let part = decoder.u8(); part !== 0; part = decoder.u8()) {
    if (part === 1) {
      decodeProperties(decoder, fn);
      continue;
    }
    if (part !== 2) decoder.corrupt(`there is no part ${part} of a function`);
    const prototype = fn.prototype as object;
    decoder.whenBuilt(decoder.value(), (parent) => {
      if (typeof parent === 'function') Object.setPrototypeOf(prototype, parent.prototype as object);
    });
    decodeProperties(decoder, prototype);
  }
}

export function decodeBound(decoder: Decoder, id: number): Function {
  const target = decoder.value();
  const thisArg = decoder.value();
  const args = decoder.value() as unknown[];
  if (typeof target !== 'function' || thisArg === PENDING) {
    return decoder.corrupt('a bound function refers to itself');
  }
  return decoder.define(id, Function.prototype.bind.call(target, thisArg, ...args) as Function);
}

import { buildFunction } from '../closure/index.js';
import { decodeProperties } from './decode-object.js';
import { type Decoder, PENDING } from './decoder.js';

export function decodeCode(decoder: Decoder, id: number): Function {
  const hash = decoder.text();
  const tag = decoder.text();
  const asset = decoder.assets.get(hash);
  if (asset?.kind !== 'code') return decoder.corrupt(`the code ${hash} is not here`);
  const known = tag === '' ? undefined : decoder.classes.find(tag);
  if (known !== undefined) decoder.define(id, known);
  const { captures, late, lateIds } = decodeCaptures(decoder);
  if (known !== undefined) {
    // What follows is read and dropped: a class that is here has its own statics.
    decodeOwn(decoder, Object.create(null) as object);
    return known;
  }
  if (captures.length !== asset.code.names.length + (asset.code.usesArguments ? 1 : 0)) {
    return decoder.corrupt(`the code ${hash} has another number of captures`);
  }
  const { value: fn, bind } = buildFunction(asset.code, captures, late);
  for (let i = 0; i < late.length; i++) {
    const at = late[i]!;
    decoder.pendingId = lateIds[i]!;
    decoder.whenBuilt(PENDING, (built) => bind?.(at, built));
  }
  if (tag !== '') decoder.classes.add(tag, fn);
  decoder.define(id, fn);
  decodeOwn(decoder, fn);
  return fn;
}

/** The values of the captures, and which of them come later. */
function decodeCaptures(decoder: Decoder): { captures: unknown[]; late: number[]; lateIds: number[] } {
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
  return { captures, late, lateIds };
}

function decodeOwn(decoder: Decoder, fn: object): void {
  for (let part = decoder.u8(); part !== 0; part = decoder.u8()) {
    if (part === 1) {
      decodeProperties(decoder, fn);
      continue;
    }
    const prototype = (fn as Partial<Function>).prototype ?? (Object.create(null) as object);
    if (part === 3) {
      decodeProperties(decoder, prototype);
      continue;
    }
    if (part !== 2) decoder.corrupt(`there is no part ${part} of a function`);
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
  if (!Array.isArray(args)) return decoder.corrupt('a bound function without arguments');
  return decoder.define(id, Function.prototype.bind.call(target, thisArg, ...args) as Function);
}

import { buildFunction, built } from '../closure/index.js';
import { decodeProperties } from './decode-object.js';
import { type Decoder, PENDING } from './decoder.js';

export function decodeCode(decoder: Decoder, id: number): Function {
  const hash = decoder.text();
  const tag = decoder.text();
  const asset = decoder.assets.get(hash);
  if (asset?.kind !== 'code') return decoder.corrupt(`the code ${hash} is not here`);
  const known = tag === '' ? undefined : decoder.classes.find(tag);
  const count = decoder.count();
  if (known !== undefined) {
    decoder.keeps = true;
    decoder.define(id, known);
    // What follows is read and dropped: a class that is here has its own statics.
    for (let i = 0; i < count; i++) decoder.value();
    decodeOwn(decoder, Object.create(null) as object);
    return known;
  }
  const { code } = asset;
  if (code.forgets !== true) decoder.keeps = true;
  if (count !== code.names.length + (code.usesArguments ? 1 : 0)) {
    return decoder.corrupt(`the code ${hash} has another number of captures`);
  }
  // A class is defined as soon as it can be, so that those it uses only later may use it.
  const eager = code.eager ?? count;
  const captures: unknown[] = new Array(count);
  const late: number[] = [];
  const lateIds: number[] = [];
  for (let i = 0; i < eager; i++) {
    const value = decoder.value();
    if (value === PENDING) {
      late.push(i);
      lateIds.push(decoder.pendingId);
    } else captures[i] = value;
  }
  const pending = late.length;
  for (let i = eager; i < count; i++) late.push(i);
  const { value: fn, bind } = buildFunction(code, captures, late);
  if (tag !== '') decoder.classes.add(tag, fn);
  built(fn, code, captures);
  const later = (i: number, value: unknown): void => {
    captures[i] = value;
    bind?.(i, value);
  };
  for (let i = 0; i < pending; i++) {
    decoder.pendingId = lateIds[i]!;
    decoder.whenBuilt(PENDING, (value) => later(late[i]!, value));
  }
  decoder.define(id, fn);
  for (let i = eager; i < count; i++) decoder.whenBuilt(decoder.value(), (value) => later(i, value));
  decodeOwn(decoder, fn);
  return fn;
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

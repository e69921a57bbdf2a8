import { InvalidOptionError } from '../../errors.js';

/** A type of the user's own, as {@link registerType} takes it. */
export interface TypeRegistration<T = unknown, D = unknown> {
  /** Unique; both sides find the type by it. */
  readonly name: string;
  /** Whether a value is of this type. Asked for every object that is not plain data. */
  match(value: unknown): boolean;
  /** To something that can travel. */
  encode(value: T): D;
  /** Back again; travels to the workers with the variables that it uses. */
  decode(data: D): T;
}

const types = new Map<string, TypeRegistration>();

/**
 * Teaches Simul a type that cannot travel by itself: one with private fields, or with a handle that has to be
 * opened anew. The three functions travel to the workers, so values can also come back.
 *
 * @throws InvalidOptionError where something is missing or the name is taken.
 */
export function registerType<T, D>(type: TypeRegistration<T, D>): void {
  if (typeof type.name !== 'string' || type.name === '') {
    throw new InvalidOptionError('registerType: option "name" must be a string that is not empty');
  }
  for (const key of ['match', 'encode', 'decode'] as const) {
    if (typeof type[key] !== 'function') {
      throw new InvalidOptionError(
        `registerType: option "${key}" must be a function, not ${typeof type[key]}`,
      );
    }
  }
  if (types.has(type.name)) {
    throw new InvalidOptionError(
      `registerType: there is a type named "${type.name}" already; choose another name`,
    );
  }
  types.set(type.name, type as unknown as TypeRegistration);
}

/** A type that came from the other side. One known here by that name stays. */
export function learnType(type: TypeRegistration): void {
  if (!types.has(type.name)) types.set(type.name, type);
}

export const registeredTypes = (): ReadonlyMap<string, TypeRegistration> => types;

export function typeOf(value: object): TypeRegistration | undefined {
  for (const type of types.values()) if (type.match(value)) return type;
  return undefined;
}

/** Values of this package's own that travel in a way of their own; known on both sides by name. */
export interface Special {
  readonly name: string;
  match(value: unknown): boolean;
  toData(value: unknown): unknown;
  fromData(data: unknown): unknown;
}

const specials = new Map<string, Special>();

export function registerSpecial(special: Special): void {
  specials.set(special.name, special);
}

export function specialOf(value: unknown): Special | undefined {
  for (const special of specials.values()) if (special.match(value)) return special;
  return undefined;
}

export const specialNamed = (name: string): Special | undefined => specials.get(name);

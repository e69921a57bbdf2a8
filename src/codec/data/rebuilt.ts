/** Builtins that show all there is to know of them: they are made again from that. */
import type { Decoder } from './decoder.js';
import type { Encoder } from './encoder.js';
import { Tag } from './tags.js';

interface Recipe {
  toData(value: never): unknown;
  fromData(data: never): object;
}

type Formatter = { resolvedOptions(): { locale: string } };

/** Most of `Intl`: a locale and the options that were resolved. */
function intl(name: string): Recipe {
  return {
    toData: (value: Formatter) => ({ ...value.resolvedOptions() }),
    fromData: ({ locale, ...options }: { locale: string }) => {
      const Type = (Intl as unknown as Record<string, new (locale: string, options: object) => object>)[
        name
      ]!;
      return new Type(locale, options);
    },
  };
}

/** Types of `Temporal`, and others that have a text which says all. */
function byText(holder: () => unknown, name: string): Recipe {
  return {
    toData: (value: object) => String(value),
    fromData: (text: string) => {
      const type = (holder() as Record<string, unknown>)[name];
      if (name === 'Locale') return new (type as new (text: string) => object)(text);
      return (type as { from(text: string): object }).from(text);
    },
  };
}

const temporal = (): unknown => (globalThis as { Temporal?: unknown }).Temporal;

const recipes: Readonly<Record<string, Recipe>> = {
  Headers: {
    toData: (value: Headers) => [...value],
    fromData: (entries: [string, string][]) => new Headers(entries),
  },
  FormData: {
    toData: (value: FormData) => [...value],
    fromData: (entries: [string, string | File][]) => {
      const form = new FormData();
      for (const [name, item] of entries) form.append(name, item as string);
      return form;
    },
  },
  TextEncoder: { toData: () => null, fromData: () => new TextEncoder() },
  TextDecoder: {
    toData: (value: InstanceType<typeof TextDecoder>) => [value.encoding, value.fatal, value.ignoreBOM],
    fromData: ([encoding, fatal, ignoreBOM]: [string, boolean, boolean]) =>
      new TextDecoder(encoding, { fatal, ignoreBOM }),
  },
  'Intl.Locale': byText(() => Intl, 'Locale'),
  ...Object.fromEntries(
    'Collator DateTimeFormat DisplayNames DurationFormat ListFormat NumberFormat PluralRules RelativeTimeFormat Segmenter'
      .split(' ')
      .map((name) => [`Intl.${name}`, intl(name)]),
  ),
  ...Object.fromEntries(
    'Duration Instant PlainDate PlainDateTime PlainMonthDay PlainTime PlainYearMonth ZonedDateTime'
      .split(' ')
      .map((name) => [`Temporal.${name}`, byText(temporal, name)]),
  ),
};

/** Writes the value where there is a recipe for it. */
export function encodeRebuilt(encoder: Encoder, value: object): boolean {
  const name = kindOf(value);
  const recipe = name === undefined ? undefined : recipes[name];
  if (recipe === undefined) return false;
  encoder.u8(Tag.rebuilt);
  encoder.text(name!);
  encoder.complete(() => encoder.value(recipe.toData(value as never)));
  return true;
}

export function rebuild(decoder: Decoder): object {
  const name = decoder.text();
  const recipe = Object.hasOwn(recipes, name) ? recipes[name] : undefined;
  if (recipe === undefined) return decoder.corrupt(`there is no way to make a ${name}`);
  return recipe.fromData(decoder.value() as never);
}

/** By class, so that an instance of a subclass is not taken for one of the builtin. */
function kindOf(value: object): string | undefined {
  const prototype: unknown = Object.getPrototypeOf(value);
  const name = (prototype as { constructor?: { name?: unknown } }).constructor?.name;
  if (typeof name !== 'string') return undefined;
  const global = globalThis as unknown as Record<string, { prototype?: unknown } | undefined>;
  // The look at a global's prototype would load what is behind it, so the name has to fit first.
  if (Object.hasOwn(recipes, name)) return global[name]?.prototype === prototype ? name : undefined;
  for (const holder of ['Intl', 'Temporal']) {
    const full = `${holder}.${name}`;
    if (!Object.hasOwn(recipes, full)) continue;
    const types = global[holder] as unknown as
      | Record<string, { prototype?: unknown } | undefined>
      | undefined;
    if (types?.[name]?.prototype === prototype) return full;
  }
  return undefined;
}

import {
  buildFunction,
  prepareCode,
  prepareModules,
  readFunction,
  resolveExport,
  resolveIntrinsic,
} from '#simul/codec/closure/index.js';

/** Reads a function and what it captures, and builds it again, as a worker would with values of its own. */
export async function roundTrip<F extends Function>(fn: F): Promise<F> {
  return (await new Trip().function(fn)) as F;
}

class Trip {
  private readonly done = new Map<Function, unknown>();
  private readonly busy = new Set<Function>();
  private readonly owed: { bind: (index: number, value: unknown) => void; index: number; to: Function }[] =
    [];

  async function(fn: Function): Promise<unknown> {
    if (this.done.has(fn)) return this.done.get(fn);
    this.busy.add(fn);
    const value = await this.build(fn);
    this.busy.delete(fn);
    this.done.set(fn, value);
    if (this.busy.size === 0) for (const { bind, index, to } of this.owed) bind(index, this.done.get(to));
    return value;
  }

  private async build(fn: Function): Promise<unknown> {
    const reading = readFunction(fn);
    switch (reading.kind) {
      case 'intrinsic':
        return resolveIntrinsic(reading.path);
      case 'export':
        await prepareModules([reading.module]);
        return resolveExport(reading.module, reading.name);
      case 'bound': {
        const target = (await this.function(reading.target)) as Function;
        return target.bind(reading.thisArg, ...reading.args) as unknown;
      }
      case 'code': {
        await prepareCode(reading.code);
        const captures: unknown[] = [];
        const late: { index: number; to: Function }[] = [];
        for (const [index, { value }] of reading.captures.entries()) {
          if (typeof value === 'function' && this.busy.has(value)) late.push({ index, to: value });
          captures[index] =
            typeof value === 'function' && !this.busy.has(value) ? await this.function(value) : value;
        }
        const built = buildFunction(
          reading.code,
          captures,
          late.map((item) => item.index),
        );
        for (const item of late) this.owed.push({ ...item, bind: built.bind! });
        return built.value;
      }
      default:
        return reading satisfies never;
    }
  }
}

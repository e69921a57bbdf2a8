/** One run of a scenario, an operation at a time, in the order that its user chooses. */
import { Actor } from './actor.js';
import { apply, Memory } from './memory.js';
import { isWrite, type Operation, type Port, type Steps, type Touches, type View } from './operations.js';
import { type Clock, join, type Race, Races } from './races.js';
import { type Event, eventOf } from './trace.js';
import { Waiter } from './waiter.js';

/** What a program's set-up gives. */
export interface Scenario {
  /** Functions that run beside each other. */
  readonly actors: Readonly<Record<string, () => unknown>>;
  /** Called when all are over; throws where something is wrong. */
  check?(): void;
  /** Names of words, for traces. */
  readonly names?: readonly (readonly [view: View, at: number, name: string])[];
  /** Places that are read and written without order, and meant to be: each access is then a step of its own. */
  readonly unordered?: readonly (readonly [view: View, at: number])[];
}

/** Who goes on, and with which of the events that wait for it. */
export interface Choice {
  readonly actor: number;
  readonly event: number;
}

/** A step that was taken. */
export interface Transition {
  readonly actor: number;
  /** How many steps of that actor it was. */
  readonly count: number;
  readonly touches: Touches;
  readonly clock: Clock;
  /** Actors that it woke although their wait could also have timed out, as bits. */
  readonly overtaken: number;
}

/** What went wrong in a run. */
export class Fault extends Error {}

export class Execution {
  readonly memory = new Memory();
  actors: readonly Actor[] = [];
  /** Whose step it is; undefined in the set-up and the check. */
  running: Actor | undefined;
  /** What happened, where that is kept. */
  readonly events: Event[] | undefined;
  #scenario: Scenario | undefined;
  #races = new Races(0);
  readonly #unordered = new Set<number>();
  /** For telling which steps commute: how far each actor has come, and each place by its last change, and by any access. */
  #order: Clock[] = [];
  readonly #changed = new Map<number, Clock>();
  readonly #touched = new Map<number, Clock>();
  readonly #async = new Map<number, Waiter[]>();
  #ports = 0;

  readonly #now: (value: unknown) => unknown;

  /** `now` runs a stepped function at once. */
  constructor(now: (value: unknown) => unknown, events?: Event[]) {
    this.#now = now;
    this.events = events;
  }

  begin(scenario: Scenario, timeouts: number): void {
    this.#scenario = scenario;
    for (const [view, at, name] of scenario.names ?? []) this.memory.name(view, at, name);
    for (const [view, at] of scenario.unordered ?? []) this.#unordered.add(this.memory.address(view, at));
    const entries = Object.entries(scenario.actors);
    if (entries.length > 16) throw new RangeError('explorer: at most 16 actors');
    this.actors = entries.map(([name, run], at) => new Actor(at, name, run() as Steps<unknown>, timeouts));
    this.#races = new Races(entries.length);
    this.#order = entries.map(() => new Array<number>(entries.length).fill(0));
    for (const actor of this.actors) this.#resume(actor, undefined);
  }

  newPort(): number {
    this.#ports += 1;
    return -100 - this.#ports;
  }

  get over(): boolean {
    return this.actors.every((actor) => actor.over);
  }

  /** Actors that can go on, as bits. */
  get enabled(): number {
    let bits = 0;
    for (const actor of this.actors) if (actor.canStep) bits |= 1 << actor.index;
    return bits;
  }

  check(): void {
    this.#now(this.#scenario?.check?.());
  }

  /** An operation outside of actors: nothing can come in between. */
  atOnce(operation: Operation): unknown {
    if (this.running !== undefined)
      throw new Error('explorer: a constructor or initializer shares memory in an actor');
    if (/^(?:wait|waitAsync|turn|listen)$/.test(operation.kind))
      throw new Error(`explorer: ${operation.kind} outside of actors`);
    return operation.kind === 'notify' ? 0 : apply(operation);
  }

  /** Whether a plain access is a step of its own. */
  isStep(address: number): boolean {
    return this.running !== undefined && this.#unordered.size > 0 && this.#unordered.has(address);
  }

  /** A plain access by whoever runs. */
  plain(view: View, at: number, count: number, isWrite: boolean): void {
    const { running } = this;
    if (running === undefined || count <= 0) return;
    const address = this.memory.address(view, at);
    this.events?.push({
      actor: running.name,
      plain: true,
      text: plainText(isWrite, this.memory.nameOf(address)),
    });
    this.#report(this.#races.plain(running.index, address, count * view.BYTES_PER_ELEMENT, isWrite));
  }

  #report(race: Race | undefined): void {
    if (race === undefined) return;
    const { name } = this.actors[race.actor]!;
    const other = this.actors[race.other]!.name;
    throw new Fault(
      `data race at ${this.memory.nameOf(race.byte)}: nothing orders the ${race.access} by ${name} after the ` +
        `${race.otherAccess} by ${other}`,
    );
  }

  /** How far an actor has come, among the steps that do not commute. */
  order(actor: number): Clock {
    return this.#order[actor]!;
  }

  /** The next step of an actor; of its event loop, with the event of that number. */
  step({ actor: index, event }: Choice): Transition {
    const actor = this.actors[index]!;
    const timesOut = actor.asleep !== undefined;
    const operation: Operation = timesOut ? { ...actor.pending!, kind: 'timeout' } : actor.pending!;
    const touches = timesOut ? this.memory.touches(operation) : actor.pending!.touches!;
    const clock = this.#advance(index, touches);
    const before = this.enabled;
    const woken: Actor[] = [];
    let outcome: unknown;
    try {
      outcome = this.#perform(actor, operation, event, woken);
    } finally {
      this.events?.push(eventOf(actor, operation, outcome, this.memory));
    }
    this.#races.tick(index);
    this.#follow(index, before, clock);
    let overtaken = 0;
    for (const other of woken) {
      if (other.timeouts > 0) overtaken |= 1 << other.index;
      join(this.#order[other.index]!, clock);
      this.#races.follow(other.index, this.#races.now(index));
      this.events?.push({ actor: other.name, plain: false, text: 'wakes' });
      this.#resume(other, 'ok');
    }
    if (actor.asleep === undefined) this.#resume(actor, outcome);
    return { actor: index, count: clock[index]!, touches, clock, overtaken };
  }

  /** Event loops that have something to do only since this step come after it. */
  #follow(index: number, before: number, clock: Clock): void {
    for (const other of this.actors) {
      if (other.index === index || (before & (1 << other.index)) !== 0) continue;
      if (other.pending?.kind === 'turn' && other.events > 0) join(this.#order[other.index]!, clock);
    }
  }

  #advance(index: number, touches: Touches): Clock {
    const order = this.#order[index]!;
    order[index] = order[index]! + 1;
    for (let i = 0; i < touches.length; i += 2) {
      const before = (touches[i + 1] === 1 ? this.#touched : this.#changed).get(touches[i]!);
      if (before !== undefined) join(order, before);
    }
    const clock = order.slice();
    for (let i = 0; i < touches.length; i += 2) {
      if (touches[i + 1] === 1) this.#changed.set(touches[i]!, clock);
      const touched = this.#touched.get(touches[i]!);
      if (touched === undefined) this.#touched.set(touches[i]!, clock.slice());
      else join(touched, clock);
    }
    return clock;
  }

  #resume(actor: Actor, outcome: unknown): void {
    this.running = actor;
    try {
      const { done, value } = actor.steps.next(outcome);
      actor.over = done === true;
      actor.pending = done ? undefined : (value as Operation);
      if (!done) actor.pending!.touches = this.#touches(actor, actor.pending!);
    } finally {
      this.running = undefined;
    }
  }

  #touches(actor: Actor, operation: Operation): Touches {
    if (operation.kind !== 'turn') return this.memory.touches(operation);
    const touches: number[] = [];
    for (const address of actor.awaited) touches.push(address + 1, 1);
    for (const { place } of actor.ports) touches.push(place, 1);
    return touches;
  }

  #perform(actor: Actor, operation: Operation, event: number, woken: Actor[]): unknown {
    const { kind, view, at, port } = operation;
    switch (kind) {
      case 'read':
      case 'write':
        return apply(operation);
      case 'timeout':
        actor.asleep = undefined;
        actor.timeouts -= 1;
        return 'timed-out';
      case 'turn': {
        const task = actor.takeTask(event);
        if (task.seen !== undefined) this.#races.follow(actor.index, task.seen);
        return task.run;
      }
      case 'post':
        port!.queue.push({ message: operation.message, seen: this.#races.now(actor.index) });
        return undefined;
      case 'listen':
        actor.ports.push(port!);
        return undefined;
      case 'receive':
        return this.#receive(actor, port!);
      default:
        break;
    }
    const address = this.memory.address(view!, at!);
    if (kind === 'notify') return this.#notify(actor, address, woken);
    const reads = kind !== 'store';
    this.#report(this.#races.atomic(actor.index, address, view!.BYTES_PER_ELEMENT, reads, isWrite(kind)));
    if (kind === 'wait' || kind === 'waitAsync') return this.#wait(actor, operation, address);
    return apply(operation);
  }

  #wait(actor: Actor, { kind, view, at, expected }: Operation, address: number): unknown {
    if (view![at!] !== expected) return kind === 'wait' ? 'not-equal' : { async: false, value: 'not-equal' };
    if (kind === 'wait') {
      actor.asleep = address;
      return undefined;
    }
    const waiter = new Waiter(actor);
    const waiters = this.#async.get(address) ?? [];
    this.#async.set(address, [...waiters, waiter]);
    actor.awaited.add(address);
    return { async: true, value: waiter };
  }

  #notify(actor: Actor, address: number, woken: Actor[]): number {
    const sleepers = this.actors.filter((other) => other.asleep === address);
    for (const sleeper of sleepers) {
      sleeper.asleep = undefined;
      woken.push(sleeper);
    }
    const waiters = this.#async.get(address) ?? [];
    this.#async.delete(address);
    for (const waiter of waiters) waiter.wake(this.#races.now(actor.index));
    return sleepers.length + waiters.length;
  }

  #receive(actor: Actor, port: Port): { message: unknown } | undefined {
    const next = port.queue.shift();
    if (next === undefined) return undefined;
    this.#races.follow(actor.index, next.seen);
    return { message: next.message };
  }
}

const plainText = (isWrite: boolean, name: string): string => `${isWrite ? 'writes' : 'reads'}  ${name}`;

/** What happened in a run, as lines to be read. */
import type { Actor } from './actor.js';
import type { Memory } from './memory.js';
import type { Operation } from './operations.js';

export interface Event {
  readonly actor: string;
  /** A plain access: not a step. */
  readonly plain: boolean;
  readonly text: string;
}

export function eventOf(actor: Actor, operation: Operation, outcome: unknown, memory: Memory): Event {
  return { actor: actor.name, plain: false, text: textOf(actor, operation, outcome, memory) };
}

function textOf(actor: Actor, operation: Operation, outcome: unknown, memory: Memory): string {
  const { kind, view, at, value, expected } = operation;
  switch (kind) {
    case 'turn':
      return 'takes a turn of its event loop';
    case 'post':
      return `posts  ${JSON.stringify(operation.message)}`;
    case 'receive':
      return `takes a message: ${outcome === undefined ? 'none' : JSON.stringify((outcome as { message: unknown }).message)}`;
    case 'listen':
      return 'listens to its port';
    default:
      break;
  }
  const name = memory.nameOf(memory.address(view!, at!));
  switch (kind) {
    case 'load':
    case 'read':
      return `${kind}  ${name} → ${outcome}`;
    case 'store':
    case 'write':
      return `${kind}  ${name} ← ${value}`;
    case 'wait':
      return `wait  ${name} = ${expected} ${actor.asleep === undefined ? 'no longer: goes on' : '→ sleeps'}`;
    case 'waitAsync':
      return `waitAsync  ${name} = ${expected} ${(outcome as { async?: boolean } | undefined)?.async === true ? '→ to be called' : 'no longer'}`;
    case 'notify':
      return `notify  ${name} → wakes ${outcome}`;
    case 'timeout':
      return `wait  ${name} timed out`;
    case 'compareExchange':
      return `${kind}  ${name} ${expected} → ${value} (was ${outcome})`;
    default:
      return `${kind}  ${name} ${value} (was ${outcome})`;
  }
}

/** Lines of a trace; plain accesses of the same place one after the other are told once. */
export function linesOf(events: readonly Event[]): string {
  const width = Math.max(...events.map(({ actor }) => actor.length), 0);
  const lines: string[] = [];
  for (const { actor, text, plain } of events) {
    const line = `  ${actor.padEnd(width)}  ${plain ? '  · ' : ''}${text}`;
    if (!plain || lines.at(-1) !== line) lines.push(line);
  }
  return lines.join('\n');
}

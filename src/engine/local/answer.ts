/** Calls that tasks make to the pool they run in: they become jobs of this engine, and the answers go back as bytes. */
import { type Packed, packError } from '../../codec/index.js';
import { EngineError } from '../../errors.js';
import {
  fromWire,
  type NestedReply,
  type NestedRequest,
  type StreamPart,
  type WirePacked,
} from '../../protocol/index.js';
import { forEntries, plainBody } from '../../transport/index.js';
import type { EngineOperation, JobSink, JobSpec, JobTicket } from '../engine.js';
import type { LocalEngine } from './local-engine.js';
import type { Place } from './place.js';

/** Calls that may wait for each other in a chain; each keeps a task's stack alive. */
const MOST_DEPTH = 1000;

type Reply = (reply: NestedReply, transfer: readonly unknown[]) => void;

/** What one worker has asked for and not got yet. */
export interface NestedCalls {
  readonly operations: Map<number, EngineOperation>;
  readonly tickets: Map<number, JobTicket>;
  /** A value for the worker, with the assets that it lacks. */
  wire(body: Packed): WirePacked;
  cancelAll(reason: unknown): void;
}

export function newNestedCalls(wire: NestedCalls['wire']): NestedCalls {
  const operations = new Map<number, EngineOperation>();
  const tickets = new Map<number, JobTicket>();
  return {
    operations,
    tickets,
    wire,
    cancelAll: (reason) => {
      for (const ticket of tickets.values()) ticket.cancel(reason);
      for (const operation of operations.values()) operation.close();
    },
  };
}

export function answerRequest(
  engine: LocalEngine,
  calls: NestedCalls,
  request: NestedRequest,
  place: Place,
): void {
  switch (request.ask) {
    case 'operation': {
      const { head, fn } = request;
      const packed = fn === undefined ? undefined : fromWire(fn, engine.assets);
      calls.operations.set(head.id, engine.operation({ ...head, fn: packed }, true));
      return;
    }
    case 'submit':
      submit(engine, calls, request, place);
      return;
    case 'cancel':
      cancel(calls, request.job, request.index);
      return;
    case 'credit':
      calls.tickets.get(request.job)?.credit(request.index, request.count);
      return;
    case 'close':
      calls.operations.get(request.operation)?.close();
      calls.operations.delete(request.operation);
      return;
    case 'hold':
      return engine.refs.hold(request.value, request.owned, place);
    case 'release':
      return engine.refs.release(request.hash, place);
    case 'free':
      return engine.refs.free(request.hash);
    default:
      return request satisfies never;
  }
}

function cancel(calls: NestedCalls, job: number, index: number | undefined): void {
  const reason = new EngineError('the task that made this call gave it up');
  if (index !== undefined) return calls.tickets.get(job)?.cancelItem(index, reason);
  calls.tickets.get(job)?.cancel(reason);
  calls.tickets.delete(job);
}

function submit(
  engine: LocalEngine,
  calls: NestedCalls,
  request: Extract<NestedRequest, { ask: 'submit' }>,
  place: Place,
): void {
  const reply: Reply = (answer, transfer) => engine.reply(place, answer, transfer);
  const { job, head, offsets, column, options } = request;
  const operation = calls.operations.get(head.operation);
  const sink = relay(job, calls, reply, head.count, { worker: place.worker, apart: engine.apart });
  if (operation === undefined) {
    const error = new EngineError(`a task named operation ${head.operation}, which it has not opened`);
    for (let i = 0; i < head.count; i++) sink.fault(head.base + i, error, undefined);
    return;
  }
  // A call never waits behind its caller's equals: what has begun ends before more begins.
  const caller = engine.running(place, request.slot);
  const priority = Math.max(options.priority, caller?.spec.priority ?? options.priority);
  const depth = (caller?.depth ?? 0) + 1;
  try {
    if (depth > MOST_DEPTH) {
      throw new EngineError(
        `calls in tasks nest more than ${MOST_DEPTH} deep: is this a recursion without an end?`,
      );
    }
    const spec: JobSpec = {
      operation,
      name: options.name,
      task: head.task,
      first: head.first,
      items: { packed: fromWire(request.body, engine.assets), offsets, column },
      from: 0,
      count: head.count,
      base: head.base,
      attempt: head.attempt,
      priority,
      pinned: options.pinned,
      chunkLimit: head.limit,
      delay: options.delay,
      limits: options,
      accepted: false,
      keepsParts: request.keepsParts,
      internal: true,
      skipped: undefined,
      sink,
    };
    const ticket = engine.submit(spec, depth);
    calls.tickets.set(job, ticket);
  } catch (error) {
    for (let i = 0; i < head.count; i++) sink.fault(head.base + i, error as Error, undefined);
  }
}

interface Asker {
  readonly worker: number;
  /** It is a process. */
  readonly apart: boolean;
}

/** Passes everything on to the worker that asked. */
function relay(job: number, calls: NestedCalls, reply: Reply, count: number, asker: Asker): JobSink {
  let open = count;
  const wire = (body: Packed): WirePacked => calls.wire({ ...body, bytes: body.bytes.slice() });
  const told = (items = 1): void => {
    open -= items;
    if (open === 0) calls.tickets.delete(job);
  };
  const answer = (index: number, failed: boolean, body: Packed, worker: number): void => {
    const transfer = body.extras.filter((extra) => extra instanceof ArrayBuffer);
    reply({ job, is: 'result', index, failed, body: wire(body), worker }, transfer);
    told();
  };
  return {
    result: (index, failed, body, ran) => answer(index, failed, body, ran.worker),
    results: (first, batch, worker) => {
      if (batch.kind === 'column') {
        const { numbers, integers } = batch;
        const copy = numbers?.slice();
        reply({ job, is: 'column', first, count: batch.count, numbers: copy, integers, worker }, []);
        return told(batch.count);
      }
      let index = first;
      forEntries(batch, (from, to) =>
        answer(index++, false, plainBody(batch.bytes.subarray(from, to)), worker),
      );
    },
    fault: (index, error, ran) =>
      answer(index, true, packError(error, asker.apart), ran?.worker ?? asker.worker),
    stream: (index, part, ran) => {
      const wired =
        part.step === 'value' || part.step === 'error'
          ? { step: part.step, body: wire(part.body) }
          : { step: part.step };
      const transfer = 'body' in part ? part.body.extras.filter((extra) => extra instanceof ArrayBuffer) : [];
      reply({ job, is: 'stream', index, part: wired as StreamPart, worker: ran.worker }, transfer);
      if (part.step === 'end' || part.step === 'error') told();
    },
    progress: (index, done, total) => reply({ job, is: 'progress', index, done, total }, []),
    measured: (done, elapsed) => reply({ job, is: 'measured', count: done, elapsed }, []),
  };
}

/**
 * Measures what work does to this thread's event loop: how late timers come, and whether a socket is still served. For
 * programs of their own: the test runner follows every promise, which costs more than what is measured.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer } from 'node:net';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { Pool } from 'simul';

/** Between two ticks of the measuring timer, in ms. */
const TICK = 5;

/** Fails where, while `act` goes on, 1 % of the event loop's turns are `limit` ms late or more, or a socket is not served. */
export async function holdsUpNobody(limit: number, act: () => Promise<void>): Promise<string> {
  const echo = await openEcho();
  const histogram = monitorEventLoopDelay({ resolution: TICK });
  histogram.enable();
  const clock = startClock();
  try {
    await act();
  } finally {
    histogram.disable();
    clock.stop();
    echo.close();
  }
  const { late, others } = clock;
  assert.ok(late.length > 5, `the timer came ${late.length} times`);
  const byTimer = percentile(late, 99);
  const byHistogram = histogram.percentile(99) / 1e6 - TICK;
  const foreign = Math.max(...others);
  const said =
    `p99 ${byTimer.toFixed(1)} ms by the timer, ${byHistogram.toFixed(1)} ms by the histogram, of which others took up to ` +
    `${foreign.toFixed(1)} ms; ${late.length} ticks, ${echo.count()} echoes`;
  assert.ok(byTimer < limit, said);
  assert.ok(byHistogram - foreign < limit, said);
  assert.ok(echo.count() * 4 > late.length, said);
  return said;
}

/** `count` calls at once: made in slices, held back until all are made, and then run as fast as they can be. */
export async function callsInFlight(pool: Pool, count: number): Promise<void> {
  const gate = new Int32Array(new SharedArrayBuffer(4));
  const held = Array.from({ length: pool.size }, (_, worker) =>
    pool.worker(worker).run(() => void Atomics.wait(gate, 0, 0)),
  );
  const next = (n: number): number => n + 1;
  let done = 0;
  let sum = 0;
  const all = new Promise<void>((resolve, reject) => {
    const told = (value: number): void => {
      sum += value;
      done += 1;
      if (done === count) resolve();
    };
    const make = (from: number): void => {
      const to = Math.min(count, from + 250);
      for (let n = from; n < to; n++) pool.run(next, n).then(told, reject);
      if (to < count) return void setImmediate(make, to);
      assert.ok(pool.stats().queued >= count);
      Atomics.store(gate, 0, 1);
      Atomics.notify(gate, 0);
    };
    make(0);
  });
  await all;
  assert.equal(sum, (count * (count + 1)) / 2);
  await Promise.all(held);
}

interface Clock {
  /** How late each tick came, in ms, as far as this thread was at work: what others did with its core is not counted. */
  readonly late: number[];
  /** By how much each tick came later still. */
  readonly others: number[];
  stop(): void;
}

function startClock(): Clock {
  const late: number[] = [];
  const others: number[] = [];
  let due = performance.now() + TICK;
  let workedBefore = worked();
  const tick = (): void => {
    const delay = Math.max(0, performance.now() - due);
    const work = worked();
    const own = Math.min(delay, work - workedBefore);
    late.push(own);
    others.push(delay - own);
    workedBefore = work;
    due = performance.now() + TICK;
    timer = setTimeout(tick, TICK);
  };
  let timer = setTimeout(tick, TICK);
  return { late, others, stop: () => clearTimeout(timer) };
}

/** For how long this thread has had a core, in ms. Where the system does not tell, all time is taken to be this thread's. */
function worked(): number {
  try {
    return Number(readFileSync('/proc/thread-self/schedstat', 'latin1').split(' ')[0]) / 1e6;
  } catch {
    return performance.now();
  }
}

/** A byte that goes from a socket to its peer and back for as long as both are served. */
async function openEcho(): Promise<{ count(): number; close(): void }> {
  let count = 0;
  const server = createServer((peer) => peer.on('error', () => {}).pipe(peer)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
  await once(socket, 'connect');
  const again = (): void => {
    // With a pause, or it would be a load of its own.
    setTimeout(() => socket.write('.'), TICK);
  };
  socket.on('data', () => {
    count += 1;
    again();
  });
  socket.on('error', () => {});
  again();
  return {
    count: () => count,
    close: () => {
      socket.destroy();
      server.close();
    },
  };
}

function percentile(values: readonly number[], of: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor((sorted.length * of) / 100))]!;
}

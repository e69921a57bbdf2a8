/**
 * Measures what work does to this thread's event loop: how late timers come, and whether a socket is still served. For
 * programs of their own: the test runner follows every promise, which costs more than what is measured.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer } from 'node:net';
import { monitorEventLoopDelay, type PerformanceEntry, PerformanceObserver } from 'node:perf_hooks';
import { setImmediate as turn } from 'node:timers/promises';
import type { Pool } from 'simul';

/** Between two ticks of the measuring timer, in ms. */
const TICK = 5;

/**
 * Fails where, while `act` goes on, 1 % of the event loop's turns are `limit` ms late or more, or a socket is not served.
 * Judged is what runs in those turns. The engine's collector stops a thread for as long as what is alive takes to move, 250,000
 * bare promises too (20 to 40 ms a time where the young generation is 32 MB), and other programs take the core: both are
 * told beside it. How much a call keeps alive has a test of its own.
 */
export async function holdsUpNobody(limit: number, act: () => Promise<void>): Promise<string> {
  const echo = await openEcho();
  const histogram = monitorEventLoopDelay({ resolution: TICK });
  histogram.enable();
  const clock = startClock();
  try {
    await act();
  } finally {
    histogram.disable();
    await clock.stop();
    echo.close();
  }
  const { late, others, collected } = clock;
  assert.ok(late.length > 5, `the timer came ${late.length} times`);
  const p99 = percentile(late, 99);
  const said =
    `p99 ${p99.toFixed(1)} ms by this thread's work, ${(histogram.percentile(99) / 1e6 - TICK).toFixed(1)} ms by the clock; ` +
    `the collector took up to ${Math.max(...collected).toFixed(1)} ms, others up to ${Math.max(...others).toFixed(1)} ms; ` +
    `${late.length} ticks, ${echo.count()} echoes`;
  assert.ok(p99 < limit, said);
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
  /** How late each tick came, in ms, by what this thread was at work on. */
  readonly late: number[];
  /** Of each tick's delay, what the engine's collector took. */
  readonly collected: number[];
  /** And for how long this thread had no core. */
  readonly others: number[];
  stop(): Promise<void>;
}

interface Tick {
  readonly due: number;
  readonly came: number;
  /** ms this thread had a core since the tick before. */
  readonly work: number;
}

function startClock(): Clock {
  const ticks: Tick[] = [];
  const pauses: PerformanceEntry[] = [];
  const observer = new PerformanceObserver((list) => pauses.push(...list.getEntries()));
  observer.observe({ entryTypes: ['gc'] });
  let due = performance.now() + TICK;
  let workedBefore = worked();
  const tick = (): void => {
    const came = performance.now();
    const work = worked();
    ticks.push({ due, came, work: work - workedBefore });
    workedBefore = work;
    due = performance.now() + TICK;
    timer = setTimeout(tick, TICK);
  };
  let timer = setTimeout(tick, TICK);
  const clock: Clock = {
    late: [],
    collected: [],
    others: [],
    stop: async () => {
      clearTimeout(timer);
      // The collector's entries come with a turn of the loop.
      await turn();
      pauses.push(...observer.takeRecords());
      observer.disconnect();
      for (const { due, came, work } of ticks) {
        const delay = Math.max(0, came - due);
        const collected = within(pauses, due, came);
        const own = Math.min(delay, work);
        clock.late.push(Math.max(0, own - collected));
        clock.collected.push(collected);
        clock.others.push(delay - own);
      }
    },
  };
  return clock;
}

/** How much of the time from `from` to `to` the entries cover. */
function within(entries: readonly PerformanceEntry[], from: number, to: number): number {
  let sum = 0;
  for (const { startTime, duration } of entries) {
    sum += Math.max(0, Math.min(to, startTime + duration) - Math.max(from, startTime));
  }
  return sum;
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

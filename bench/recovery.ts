/** How long it takes until work goes on: after the SIGKILL of a worker, and after an abort. */
import { setTimeout as sleep } from 'node:timers/promises';
import { Pool, task } from 'simul';
import { median } from './rounds.js';
import type { Figure, Table } from './table.js';

const AGAIN = 11;
/** What stands in for the next worker that dies may need this long to be there, in ms. */
const SPARE = 500;
const GOAL = 100;

const now = (): number => performance.timeOrigin + performance.now();

/** Median ms from the signal to the beginning of the second attempt in another process. */
async function killed(): Promise<number> {
  await using pool = new Pool({ workers: 1, kind: 'process' });
  const times: number[] = [];
  for (let round = 0; round < AGAIN; round++) {
    const pid = await pool.run(() => process.pid);
    await sleep(SPARE);
    const again = pool.with({ retries: 1 }).run(() => {
      if (task().attempt === 1) for (;;);
      return [performance.timeOrigin + performance.now(), process.pid] as const;
    });
    while (again.state !== 'running') await sleep(1);
    const sent = now();
    process.kill(pid, 'SIGKILL');
    const [begun, other] = await again;
    if (other === pid) throw new Error('it did not die');
    times.push(begun - sent);
  }
  return median(times);
}

/** Median ms from the abort of a `map` in the midst of its work until both workers do the next thing. */
async function aborted(kind: 'thread' | 'process'): Promise<number> {
  await using pool = new Pool({ workers: 2, kind });
  const times: number[] = [];
  for (let round = 0; round < AGAIN; round++) {
    const controller = new AbortController();
    const items = Array.from({ length: 100_000 }, (_, i) => i);
    const work = pool.map(
      items,
      (x) => {
        for (const end = performance.now() + 1; performance.now() < end; );
        return x;
      },
      { signal: controller.signal, inline: false },
    );
    await sleep(30);
    const sent = performance.now();
    controller.abort();
    const told = await work.then(
      () => false,
      () => true,
    );
    if (!told) throw new Error('it was not aborted');
    await pool.each(() => 0);
    times.push(performance.now() - sent);
  }
  return median(times);
}

export async function recovery(): Promise<Table> {
  const kill = await killed();
  const threads = await aborted('thread');
  const processes = await aborted('process');
  return {
    title: 'until work goes on, ms',
    columns: ['SIGKILL of a worker', 'abort of a map'],
    higherIsBetter: false,
    rows: [
      { name: 'simul, threads', role: 'other', values: [undefined, threads] },
      { name: 'simul, processes, a spare', role: 'simul', values: [kill, processes] },
    ],
    figures: [
      goal('SIGKILL of a worker, to the next attempt', 'processes, a spare', kill),
      goal('abort of a map, to idle', 'threads', threads),
      goal('abort of a map, to idle', 'processes', processes),
    ],
  };
}

function goal(what: string, against: string, ms: number): Figure {
  return { what, against, reached: `${ms.toFixed(1)} ms`, target: `${GOAL} ms`, met: ms < GOAL };
}

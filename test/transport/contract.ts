/** What an engine may rely on, whatever kind of worker there is. */
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { EngineError } from '#simul/errors.js';
import { task } from '#simul/index.js';
import type { WorkerSpec } from '#simul/transport/index.js';
import { Driver, type Kind } from './driver.js';

/** A folder by whose files tasks and this process tell each other how far they are. */
interface Signs {
  readonly up: string;
  readonly go: string;
  readonly log: string;
}

export function contract(kind: Kind): void {
  const isProcess = kind !== 'thread';
  const contractTest = (
    name: string,
    body: (driver: Driver, signs: Signs) => Promise<void>,
    spec?: Partial<WorkerSpec>,
  ): void => {
    test(`${kind}: ${name}`, { timeout: 60_000 }, async () => {
      const folder = mkdtempSync(join(tmpdir(), 'simul-'));
      const driver = new Driver(kind, spec);
      try {
        await body(driver, { up: join(folder, 'up'), go: join(folder, 'go'), log: join(folder, 'log') });
      } finally {
        await driver.dispose();
        rmSync(folder, { recursive: true });
      }
    });
  };
  /** Runs until a file is there; says by another that it does. */
  const held = ({ up, go }: Signs): number => {
    const fs = process.getBuiltinModule('node:fs');
    fs.writeFileSync(up, `${process.pid}\n`);
    while (!fs.existsSync(go));
    return 1;
  };
  const seen = (driver: Driver, file: string): Promise<void> =>
    driver.until(() => existsSync(file), 'a sign');

  contractTest('results come in order, once each, then the end', async (driver) => {
    const double = driver.define((n: number) => n * 2);
    const jobs = [1, 5, 300].map((count) =>
      driver.post(
        double,
        Array.from({ length: count }, (_, i) => i),
      ),
    );
    for (const job of jobs) {
      await driver.ended(job);
      assert.equal(job.ended, job.results.length);
      assert.deepEqual(
        job.results,
        job.results.map((_, i) => i * 2),
      );
    }
    assert.deepEqual(
      jobs.map(({ results }) => results.length),
      [1, 5, 300],
    );
    assert.equal(driver.events[0], 'ready');
    assert.equal(driver.events.filter((event) => event === 'ready').length, 1);
  });

  contractTest('failures are results; a slot is used again', async (driver) => {
    const odd = driver.define((n: number) => {
      if (n % 2 === 1) throw new RangeError(`odd: ${n}`);
      return n;
    });
    for (let round = 0; round < 50; round++) {
      const job = driver.post(odd, [round, round + 1], 7);
      await driver.ended(job);
      const failure = job.results[1 - (round % 2)] as [Error];
      assert.match(failure[0].message, /^odd/);
      assert.equal(job.results[round % 2], round + (round % 2));
      assert.equal(driver.handle.started(7), 2);
    }
  });

  contractTest(
    'async items and a worker that runs several jobs',
    async (driver, { go }) => {
      const waits = driver.define(async (file: string) => {
        const fs = await import('node:fs');
        while (!fs.existsSync(file)) await new Promise((resolve) => setTimeout(resolve, 1));
        return 'waited';
      });
      const opens = driver.define((file: string) => {
        process.getBuiltinModule('node:fs').writeFileSync(file, '');
        return 'opened';
      });
      const first = driver.post(waits, [go]);
      const second = driver.post(opens, [go]);
      await driver.ended(first);
      await driver.ended(second);
      assert.deepEqual([first.results, second.results], [['waited'], ['opened']]);
    },
    { tasksPerWorker: 2 },
  );

  contractTest('large items and results, and many of them', async (driver) => {
    const turn = driver.define((bytes: Uint8Array) => bytes.reverse());
    const large = new Uint8Array(20e6).map((_, i) => i);
    const job = driver.post(turn, [large]);
    const many = Array.from({ length: 40 }, (_, i) => driver.post(turn, [new Uint8Array(300_000).fill(i)]));
    await driver.ended(job);
    assert.ok(Buffer.from(large.slice().reverse()).equals(job.results[0] as Uint8Array));
    for (const [i, each] of many.entries()) {
      await driver.ended(each);
      const bytes = each.results[0] as Uint8Array;
      assert.equal(bytes.byteLength, 300_000);
      assert.ok(bytes.every((byte) => byte === i));
    }
  });

  contractTest('what a ring does not hold', async (driver) => {
    const echo = driver.define((text: string) => text);
    const texts = Array.from({ length: 3000 }, (_, i) => `${i} ${'x'.repeat(i % 2000)}`);
    for (let round = 0; round < 3; round++) {
      const job = driver.post(echo, texts);
      await driver.ended(job);
      assert.deepEqual(job.results, texts);
    }
  });

  contractTest('streams go out on credit', async (driver) => {
    const count = driver.define(function* (n: number) {
      for (let i = 0; i < n; i++) yield i;
    });
    const job = driver.post(count, [40]);
    await driver.until(() => job.stream.length === 17, 'the window');
    driver.send({ type: 'credit', slot: job.slot, count: 100 });
    await driver.ended(job);
    assert.deepEqual(job.stream, ['open', ...Array.from({ length: 40 }, (_, i) => i), 'end']);
  });

  contractTest('what waits behind a busy job is taken back at once', async (driver, signs) => {
    const hold = driver.define(held);
    const write = driver.define((file: string) =>
      process.getBuiltinModule('node:fs').writeFileSync(file, ''),
    );
    const busy = driver.post(hold, [signs]);
    await seen(driver, signs.up);
    const behind = driver.post(write, [signs.log, signs.log, signs.log]);
    assert.equal(driver.close(behind.slot), 0);
    writeFileSync(signs.go, '');
    await driver.ended(busy);
    await driver.ended(behind);
    assert.equal(behind.ended, 0);
    assert.deepEqual(behind.results, []);
    assert.ok(!existsSync(signs.log));
  });

  contractTest('a job that runs is cut: what had begun ends, nothing else begins', async (driver) => {
    const slow = driver.define((n: number) => {
      const end = performance.now() + 0.2;
      while (performance.now() < end);
      return n;
    });
    for (let round = 0; round < 20; round++) {
      const job = driver.post(
        slow,
        Array.from({ length: 200 }, (_, i) => i),
      );
      await driver.until(() => job.results.length > round, 'some results');
      const most = driver.close(job.slot);
      assert.ok(most >= job.results.length && most < 200, `${most} of 200`);
      await driver.ended(job);
      assert.ok(job.ended! <= most);
      assert.equal(job.results.length, job.ended);
      if (job.returned !== undefined) assert.equal(job.returned, job.ended);
    }
  });

  contractTest('what was cheap and then is not holds nothing back', async (driver, signs) => {
    // All that follows the first of them might be granted; it comes back while that is busy.
    const mixed = driver.define((n: number | Signs) => (typeof n === 'number' ? n : held(n)));
    for (let i = 0; i < 200; i++) await driver.ended(driver.post(mixed, [i, i, i, i]));
    const job = driver.post(mixed, [1, signs, ...Array.from({ length: 50 }, (_, i) => i)]);
    await seen(driver, signs.up);
    const most = driver.close(job.slot);
    if (most > 2) await driver.until(() => job.returned !== undefined, 'what was granted');
    assert.equal(job.returned ?? most, 2);
    writeFileSync(signs.go, '');
    await driver.ended(job);
    assert.deepEqual([job.ended, job.results], [2, [1, 1]]);
  });

  contractTest('a loop hears that it is to stop', async (driver) => {
    const loop = driver.define(() => {
      const { signal } = task();
      task().progress(1);
      while (!signal.aborted);
      return 'stopped';
    });
    const job = driver.post(loop, [0]);
    await driver.until(() => driver.progress.length > 0, 'it runs');
    driver.cancel(job.slot);
    await driver.ended(job);
    assert.deepEqual(job.results, ['stopped']);
    const waits = driver.define(async () => {
      const { signal } = task();
      task().progress(2);
      await new Promise((resolve) => signal.addEventListener('abort', resolve));
      return (signal.reason as Error).message;
    });
    const second = driver.post(waits, [0]);
    await driver.until(() => driver.progress.length > 1, 'it waits');
    driver.cancel(second.slot);
    await driver.ended(second);
    assert.deepEqual(second.results, ['enough']);
  });

  contractTest('when an item runs is known, and that it does', async (driver, signs) => {
    const hold = driver.define(held);
    const before = performance.now();
    const job = driver.post(hold, [signs, signs]);
    await seen(driver, signs.up);
    await driver.until(() => {
      driver.handle.look();
      return driver.handle.started(job.slot) === 1;
    }, 'it is known to run');
    const since = driver.handle.startedAt(job.slot);
    assert.ok(since > before - 5 && since <= performance.now() + 5);
    assert.ok(!driver.handle.isOver(job.slot));
    writeFileSync(signs.go, '');
    await driver.ended(job);
    assert.equal(driver.handle.started(job.slot), 2);
  });

  contractTest('stopped by force: once gone, with what had finished', async (driver, signs) => {
    const hold = driver.define((n: number | Signs) => (typeof n === 'number' ? n : held(n)));
    const job = driver.post(hold, [0, 1, signs, 3, 4]);
    await seen(driver, signs.up);
    driver.handle.terminate();
    driver.handle.terminate();
    await driver.exited();
    assert.deepEqual(job.results, [0, 1]);
    assert.equal(driver.handle.started(job.slot), 3);
    // What comes too late has no effect.
    driver.send({ type: 'stop' });
    driver.handle.look();
    assert.equal(driver.exits.length, 1);
  });

  contractTest('asked to stop, it says so and waits', async (driver) => {
    await driver.ready();
    driver.send({ type: 'stop' });
    await driver.exited();
    assert.deepEqual(driver.events.slice(-2), ['stopping', 'stopped']);
  });

  contractTest('it exits in the midst of a job', async (driver) => {
    const leave = driver.define((n: number) => (n === 2 ? process.exit(7) : n));
    const job = driver.post(leave, [0, 1, 2, 3]);
    const { code } = await driver.exited();
    assert.equal(code, 7);
    assert.deepEqual(job.results, [0, 1]);
    assert.equal(driver.handle.started(job.slot), 3);
    assert.equal(job.ended, undefined);
  });

  contractTest(
    'a start that fails is told as an exit',
    async (driver) => {
      const { code, error } = await driver.exited();
      assert.ok(code !== 0 || error !== undefined);
      assert.deepEqual(driver.events, []);
    },
    { execArgv: ['--require', '/nowhere/at-all.cjs'] },
  );

  contractTest('posting stops where there is no room, and goes on', async (driver, signs) => {
    const hold = driver.define((n: string | Signs) => (typeof n === 'string' ? n.length : held(n)));
    const busy = driver.post(hold, [signs]);
    await seen(driver, signs.up);
    const text = 'x'.repeat(100_000);
    const posted = [];
    for (let job = busy; posted.length < 100; posted.push(job)) {
      const next = driver.tryPost(hold, [text]);
      if (next === undefined) break;
      job = next;
    }
    assert.ok(posted.length >= 5 && posted.length < 20, `${posted.length} of 100 kB fit into 1 MiB`);
    writeFileSync(signs.go, '');
    await driver.ended(busy);
    for (const job of posted) await driver.ended(job);
    const last = driver.post(hold, [text], busy.slot);
    await driver.ended(last);
    assert.deepEqual(last.results, [100_000]);
  });

  contractTest(
    'a parent that does not look: results wait, and are no running time',
    async (driver, signs) => {
      const fill = driver.define((file: string) => {
        process.getBuiltinModule('node:fs').appendFileSync(file, '.');
        return 'y'.repeat(100_000);
      });
      const job = driver.post(fill, new Array(200).fill(signs.log));
      await seen(driver, signs.log);
      const end = performance.now() + 500;
      while (performance.now() < end);
      const ran = readFileSync(signs.log).byteLength;
      assert.ok(ran < 60, `${ran} items of 100 kB have run with nobody looking`);
      driver.handle.look();
      assert.ok(job.results.length > 0 && job.results.length <= ran);
      await driver.ended(job);
      assert.equal(job.results.length, 200);
    },
  );

  contractTest('only a process has memory of its own to be measured', async (driver) => {
    assert.equal(driver.handle.measure !== undefined, isProcess);
  });

  if (isProcess) processContract(contractTest, held, seen);
}

type ContractTest = (name: string, body: (driver: Driver, signs: Signs) => Promise<void>) => void;

/** The pid that a task writes to a file: all of it. Where that is empty still, 0 would be every process of the test's group. */
async function pidIn(driver: Driver, file: string): Promise<number> {
  const text = (): string => (existsSync(file) ? readFileSync(file, 'utf8') : '');
  await driver.until(() => /^\d+\n$/.test(text()), 'a pid');
  return Number(text());
}

/** What can be killed from outside, and is not to be trusted. */
function processContract(
  contractTest: ContractTest,
  held: (signs: Signs) => number,
  seen: (driver: Driver, file: string) => Promise<void>,
): void {
  contractTest('killed: what had finished is kept, what had begun is known', async (driver) => {
    const die = driver.define((n: number) => {
      if (n === 3) process.kill(process.pid, 'SIGKILL');
      return n;
    });
    const jobs = [
      driver.post(die, [0, 1, 2]),
      driver.post(die, [0, 1, 2, 3, 4, 5]),
      driver.post(die, [0, 1]),
    ];
    const { code, signal } = await driver.exited();
    assert.deepEqual([code, signal], [undefined, 'SIGKILL']);
    assert.deepEqual(
      jobs.map(({ results }) => results),
      [[0, 1, 2], [0, 1, 2], []],
    );
    assert.deepEqual(
      jobs.map(({ slot }) => driver.handle.started(slot)),
      [3, 4, 0],
    );
  });

  contractTest('measured while it is busy; it says it of itself between two items', async (driver, signs) => {
    const hold = driver.define(held);
    const job = driver.post(hold, [signs]);
    await seen(driver, signs.up);
    driver.handle.measure!();
    await driver.until(() => driver.memory.length === 1, 'what the system says');
    driver.send({ type: 'measure' });
    writeFileSync(signs.go, '');
    await driver.ended(job);
    await driver.until(() => driver.memory.length === 2, 'what the worker says');
    const [told, own] = driver.memory as [number, number];
    assert.ok(told > 2 ** 24 && own > 2 ** 24 && Math.abs(told - own) < 2 ** 26, `${told} and ${own} bytes`);
  });

  contractTest('garbage: memory that is no number ends it', async (driver) => {
    await driver.ready();
    const write = driver.define(() => {
      const worker = (globalThis as Record<symbol, unknown>)[Symbol.for('simul.worker.1')];
      (worker as { outbox: { message(given: unknown): void } }).outbox.message({
        type: 'memory',
        bytes: 'all',
      });
      for (;;);
    });
    driver.post(write, [0]);
    const { error } = await driver.exited();
    assert.match((error as Error).message, /no worker sends/);
    assert.deepEqual(driver.memory, []);
  });

  for (let turns = 0; turns < 12; turns += 3) {
    contractTest(`killed ${turns} turns after a large item was sent`, async (driver, signs) => {
      const hold = driver.define(held);
      const size = driver.define((bytes: Uint8Array) => bytes.byteLength);
      writeFileSync(signs.go, '');
      await driver.ended(driver.post(hold, [signs]));
      const job = driver.post(size, [new Uint8Array(20e6)]);
      for (let i = 0; i < turns; i++) await new Promise((resolve) => setImmediate(resolve));
      process.kill(await pidIn(driver, signs.up), 'SIGKILL');
      await driver.exited();
      const started = driver.handle.started(job.slot);
      assert.ok(started <= 1 && job.results.length <= started);
    });
  }

  contractTest('killed while a large result is on its way', async (driver, signs) => {
    const make = driver.define(({ up }: Signs) => {
      process.getBuiltinModule('node:fs').writeFileSync(up, `${process.pid}\n`);
      return new Uint8Array(50e6).fill(3);
    });
    const job = driver.post(make, [signs]);
    process.kill(await pidIn(driver, signs.up), 'SIGKILL');
    await driver.exited();
    assert.equal(driver.handle.started(job.slot), 1);
    assert.ok(job.results.length === 0 || (job.results[0] as Uint8Array).byteLength === 50e6);
  });

  contractTest('stopped and killed, it says nothing more', async (driver, signs) => {
    const hold = driver.define(held);
    const job = driver.post(hold, [signs]);
    const pid = await pidIn(driver, signs.up);
    process.kill(pid, 'SIGSTOP');
    const behind = driver.post(hold, [signs]);
    assert.equal(driver.close(behind.slot), 0);
    process.kill(pid, 'SIGKILL');
    await driver.exited();
    assert.deepEqual([driver.handle.started(job.slot), driver.handle.started(behind.slot)], [1, 0]);
  });

  for (const [name, message] of [
    ['of an unknown type', { type: 'nonsense' }],
    ['that is none', null],
    ['of a slot that cannot be', { type: 'fetch', slot: 1e9 }],
  ] as const) {
    contractTest(`garbage: a message ${name} ends it`, async (driver) => {
      const write = driver.define((given: unknown) => {
        const worker = (globalThis as Record<symbol, unknown>)[Symbol.for('simul.worker.1')];
        (worker as { outbox: { message(given: unknown): void } }).outbox.message(given);
        for (;;);
      });
      driver.post(write, [message]);
      const { error, signal } = await driver.exited();
      assert.ok(error instanceof EngineError);
      assert.match(error.message, /no worker sends/);
      assert.equal(signal, 'SIGKILL');
    });
  }
}

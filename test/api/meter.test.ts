/** Rate and time left, on a clock of the test's own. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { Meter } from '#simul/api/meter.js';
import type { Progress } from '#simul/index.js';

class Bench {
  now = 1000;
  since: number | undefined;
  workers = 2;
  readonly events: Progress[] = [];
  readonly meter: Meter;
  #next = 0;

  constructor(total: number) {
    this.meter = new Meter({
      total,
      report: (progress) => this.events.push(progress),
      stats: () => ({
        queued: 0,
        running: 0,
        done: 0,
        failed: 0,
        refs: 0,
        refBytes: 0,
        workers: this.workers,
        busy: this.workers,
      }),
      running: () => 0,
      runningSince: () => this.since,
      failed: (error) => assert.fail(String(error)),
      now: () => this.now,
    });
    this.meter.start();
  }

  /** After `ms`, one item for each worker. */
  round(ms: number): void {
    this.now += ms;
    for (let i = 0; i < this.workers; i++) this.meter.item(this.#next++, true, 1);
  }

  batch(ms: number, count: number): void {
    this.now += ms;
    this.meter.items(this.#next, count);
    this.#next += count;
  }

  /** Of those that showed one, and ended before the operation. */
  get remaining(): [now: number, left: number][] {
    return this.events
      .filter(({ done, total, remaining }) => done < total! && remaining !== undefined)
      .map(({ elapsed, remaining }) => [elapsed, remaining!]);
  }
}

const about = (actual: number, expected: number, share: number): void =>
  assert.ok(Math.abs(actual - expected) <= expected * share, `${actual}, expected about ${expected}`);

test('the time that workers take to start counts in no rate and no time left', () => {
  const bench = new Bench(100_000);
  // 2 s of start-up, then 1000 items every 20 ms: 2 s of work.
  bench.batch(2000, 1000);
  for (let i = 0; i < 99; i++) bench.batch(20, 1000);
  bench.meter.finish();
  assert.equal(bench.events[0]!.remaining, undefined);
  assert.equal(bench.events[0]!.rate, 0);
  assert.ok(bench.remaining.length > 20);
  for (const [elapsed, left] of bench.remaining)
    assert.ok(Math.abs(left - (3980 - elapsed)) < 25, `${left} at ${elapsed}`);
  assert.ok(bench.events.every(({ rate }) => rate === 0 || Math.abs(rate - 50_000) < 5000));
});

test('many workers that end at the same time are no high rate', () => {
  const bench = new Bench(160);
  bench.workers = 16;
  for (let i = 0; i < 10; i++) bench.round(i === 0 ? 700 : 100);
  bench.meter.finish();
  assert.ok(bench.remaining.length >= 3);
  // Told at the first item of a round, the others are a round behind.
  for (const [elapsed, left] of bench.remaining) {
    assert.ok(Math.abs(left - (1600 - elapsed)) <= 100, `${left} at ${elapsed}`);
  }
});

test('long items: what runs says when work began, so the first round has a time left', () => {
  const bench = new Bench(20);
  bench.now += 900;
  bench.since = bench.now;
  bench.meter.partial(0, 0, 1);
  assert.equal(bench.events.at(-1)!.remaining, undefined);
  bench.round(10_000);
  bench.now += 60;
  bench.meter.partial(2, 0, 1);
  about(bench.events.at(-1)!.remaining!, 90_000, 0.05);
  // Between two rounds the rate does not fall to nothing, as it would over the last seconds.
  bench.now += 8000;
  bench.meter.partial(2, 0, 1);
  about(bench.events.at(-1)!.rate, 0.2, 0.05);
  bench.meter.stop();
});

test('the rate follows what changes, and falls where nothing is done any more', () => {
  const bench = new Bench(1_000_000);
  for (let i = 0; i < 100; i++) bench.batch(100, 100);
  about(bench.events.at(-1)!.rate, 1000, 0.05);
  for (let i = 0; i < 100; i++) bench.batch(100, 10);
  about(bench.events.at(-1)!.rate, 100, 0.5);
  bench.now += 60_000;
  bench.meter.partial(0, 0, 1);
  assert.ok(bench.events.at(-1)!.rate < 10);
  bench.meter.stop();
});

test('what a task says of itself counts as parts of items', () => {
  const bench = new Bench(1);
  bench.workers = 1;
  bench.since = bench.now;
  for (let i = 1; i <= 5; i++) {
    bench.now += 100;
    bench.meter.partial(0, i, 10);
  }
  about(bench.events.at(-1)!.remaining!, 500, 0.01);
  bench.meter.stop();
});

test('an operation that was soon over has its average at the end', () => {
  const bench = new Bench(10);
  bench.batch(100, 10);
  bench.meter.finish();
  const { rate, remaining } = bench.events.at(-1)!;
  assert.deepEqual([rate, remaining], [100, 0]);
});

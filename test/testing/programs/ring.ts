/** A ring of 128 bytes, into which three records of 40 bytes fit, and one byte too few for a fourth: it wraps with a `SKIP`. */
import assert from 'node:assert/strict';
import { Doorbell, HEADER_WORDS, Ring, RingReader, RingWriter } from '#simul/memory/index.js';
import type { Scenario } from '#simul/testing/index.js';

interface Sides {
  readonly ring: Ring;
  readonly writer: RingWriter;
  readonly reader: RingReader;
  readonly bell: Doorbell;
  readonly names: NonNullable<Scenario['names']>;
}

function sides(bytes: number): Sides {
  const control = new Int32Array(new SharedArrayBuffer(512));
  const ring = new Ring(control, 0, 16, new SharedArrayBuffer(bytes));
  const other = new Ring(control, 0, 16, ring.words.buffer as SharedArrayBuffer);
  return {
    ring,
    writer: new RingWriter(ring),
    reader: new RingReader(other),
    bell: new Doorbell(control, 64),
    names: [
      [control, 0, 'head'],
      [control, 1, 'waiting'],
      [control, 16, 'tail'],
      [control, 64, 'PARKED'],
      [control, 80, 'BELL'],
    ],
  };
}

/** Two words of payload, so that a record that is half there would show. */
function put(writer: RingWriter, value: number): boolean {
  const at = writer.tryReserve(8);
  if (at < 0) return false;
  writer.ring.words[at + HEADER_WORDS] = value;
  writer.ring.words[at + HEADER_WORDS + 1] = -value;
  writer.publish();
  return true;
}

function take(reader: RingReader): number {
  const at = reader.next();
  if (at < 0) return -1;
  const value = reader.ring.words[at + HEADER_WORDS]!;
  assert.equal(reader.ring.words[at + HEADER_WORDS + 1], -value);
  reader.release(at);
  return value;
}

/** The producer waits for room, the consumer at a doorbell. */
function flow(bytes: number, records: number): Scenario {
  const { writer, reader, names, bell } = sides(bytes);
  const taken: number[] = [];
  return {
    names,
    actors: {
      producer() {
        for (let value = 1; value <= records; value++) {
          while (!put(writer, value)) writer.waitForRoom(1000);
          bell.ring();
        }
      },
      consumer() {
        while (taken.length < records) {
          const value = take(reader);
          if (value > 0) {
            taken.push(value);
            continue;
          }
          const seen = bell.announce();
          if (reader.empty) bell.waitSync(seen, 1000);
          bell.withdraw();
        }
      },
    },
    check() {
      assert.equal(taken.length, records);
      for (let at = 0; at < records; at++) assert.equal(taken[at], at + 1);
      assert.equal(take(reader), -1);
    },
  };
}

/** Room for one record at a time. */
export const narrow = (): Scenario => flow(64, 2);
/** Room for three, then a unit that is skipped. */
export const wrapping = (): Scenario => flow(128, 5);

/** The consumer only looks, the producer has all it needs: every moment of both. */
export function passing(): Scenario {
  const { writer, reader, names } = sides(128);
  const taken: number[] = [];
  const all = (looks: number) => {
    for (let look = 0; look < looks; look++) {
      const value = take(reader);
      if (value > 0) taken.push(value);
    }
  };
  return {
    names,
    actors: {
      producer: () => {
        for (let value = 1; value <= 3; value++) assert.ok(put(writer, value));
      },
      consumer: () => all(5),
    },
    check() {
      all(3);
      assert.deepEqual(taken, [1, 2, 3]);
    },
  };
}

/** What is the processes' own: how they die, what they print, what is left of them. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createSecretKey } from 'node:crypto';
import { once } from 'node:events';
import { readdirSync, readlinkSync } from 'node:fs';
import { appendFile, cp, mkdir, readdir, readFile, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'node:test';
import { pathToFileURL } from 'node:url';
import { map, Pool, run, SerializationError, shared, task, WorkerCrashedError } from 'simul';
import { script, until, within } from '../api/support.js';
import { children, inFolder, isAlive, processTest, root, sharesMemory } from './support.js';

/** Each way to die, what it says of itself, and what the error has to say. */
const deaths: readonly (readonly [string, () => unknown, RegExp, object])[] = [
  ['exit', () => process.exit(3), /exit code 3/, { exitCode: 3, signal: undefined }],
  ['SIGKILL', () => process.kill(process.pid, 'SIGKILL'), /signal SIGKILL/, { signal: 'SIGKILL' }],
  ['SIGSEGV', () => process.kill(process.pid, 'SIGSEGV'), /signal SIGSEGV/, { signal: 'SIGSEGV' }],
  ['abort', () => process.abort(), /signal SIGABRT/, { signal: 'SIGABRT' }],
  [
    'an uncaught exception',
    () => {
      setTimeout(() => {
        throw new RangeError('much later');
      }, 1);
      return new Promise(() => {});
    },
    /RangeError: much later/,
    { exitCode: 1 },
  ],
  [
    'an unhandled rejection',
    () => {
      void Promise.reject(new TypeError('nobody looks'));
      return new Promise(() => {});
    },
    /TypeError: nobody looks/,
    { exitCode: 1 },
  ],
];

for (const [name, die, says, fields] of deaths) {
  processTest(`${name}: the item that ran is lost, no other`, 2, async (pool) => {
    const before = await pool.each(() => process.pid);
    const all = await pool.map(
      Array.from({ length: 40 }, (_, i) => i),
      (n) => (n === 17 ? die() : n),
      { chunk: 10, onError: 'settle' },
    );
    const failed = all.flatMap((result) => (result.status === 'rejected' ? [result.reason as unknown] : []));
    assert.equal(failed.length, 1);
    const [error] = failed;
    assert.ok(error instanceof WorkerCrashedError);
    assert.match(error.message, says);
    assert.match(error.message, /17/);
    for (const [key, value] of Object.entries(fields)) {
      assert.equal(error[key as keyof WorkerCrashedError], value, key);
    }
    assert.deepEqual(
      all.flatMap((result, i) => (result.status === 'fulfilled' && result.value === i ? [] : [i])),
      [17],
    );
    const after = await pool.each(() => process.pid);
    assert.equal(after.filter((pid) => before.includes(pid)).length, 1);
  });
}

processTest('an error that nobody catches is the cause, whole', 1, async (pool) => {
  class Mine extends Error {
    readonly extra = { deep: [1, 2] };
  }
  const error: unknown = await pool
    .run(() => {
      setImmediate(() => {
        throw new Mine('mine');
      });
      return new Promise(() => {});
    })
    .catch((reason) => reason);
  assert.ok(error instanceof WorkerCrashedError);
  assert.deepEqual((error.cause as Mine).extra, { deep: [1, 2] });
});

processTest('out of memory ends the child alone, and its last words are kept', 1, async (pool) => {
  const small = new Pool({ workers: 1, kind: 'process', maxHeap: 32 * 2 ** 20 });
  const error: unknown = await small
    .run(() => {
      const all: unknown[] = [];
      for (;;) all.push(Array.from({ length: 1000 }, (_, i) => i + 0.5));
    })
    .catch((reason) => reason);
  assert.ok(error instanceof WorkerCrashedError);
  assert.match(error.stderr ?? '', /\S/);
  await small.close();
  assert.equal(await pool.run(() => 1), 1);
});

test('deaths at any moment: each item runs at most once, and settles once', { timeout: 90_000 }, () =>
  inFolder(async (folder) => {
    const file = join(folder, 'ran');
    const pool = new Pool({ workers: 3, kind: 'process' });
    const settled = pool.map(
      Array.from({ length: 300 }, (_, i) => i),
      async (n) => {
        const { appendFileSync } = await import('node:fs');
        appendFileSync(file, `${n} ${process.pid}\n`);
        const until = performance.now() + 2;
        while (performance.now() < until);
        return new Float64Array(n * 100).fill(n);
      },
      { onError: 'settle' },
    );
    let kills = 0;
    const killing = (async () => {
      while (kills < 8) {
        // Whoever has begun something by now: a death at start is another matter.
        const begun = kills * 25;
        await until(() => pool.stats().done > begun || pool.stats().queued === 0, 'some are done');
        const lines = (await readFile(file, 'utf8')).trim().split('\n');
        const pid = Number(lines.at(-1)!.split(' ')[1]);
        assert.ok(pid > 1);
        try {
          process.kill(pid, 'SIGKILL');
        } catch {}
        kills += 1;
      }
    })();
    const all = await within(60_000, settled, 'the map');
    await killing;
    const runs = new Array<number>(300).fill(0);
    for (const line of (await readFile(file, 'utf8')).trim().split('\n')) {
      runs[Number(line.split(' ')[0])]! += 1;
    }
    for (const [n, result] of all.entries()) {
      if (result.status === 'rejected') {
        assert.ok(result.reason instanceof WorkerCrashedError);
        // Killed between its claim and its first line, or after it.
        assert.ok(runs[n]! <= 1);
        continue;
      }
      assert.equal(runs[n], 1, `item ${n}`);
      assert.equal(result.value.length, n * 100);
      assert.ok(result.value.every((x) => x === n));
    }
    await within(5000, pool.close(), 'close');
  }),
);

processTest('a worker that dies while a large value is on its way', 1, async (pool) => {
  for (let round = 0; round < 6; round++) {
    const large = new Uint8Array(20e6).fill(round);
    const there = pool.run((bytes: Uint8Array) => bytes[bytes.length - 1], large);
    const back = pool.run(() => new Uint8Array(20e6).fill(9));
    const [pid] = await Promise.race([pool.each(() => process.pid), Promise.resolve([0])]);
    const victim = pid || children()[0];
    for (let turns = 0; turns < round * 3; turns++) await new Promise((resolve) => setImmediate(resolve));
    if (victim !== undefined) process.kill(victim, 'SIGKILL');
    for (const [call, wanted] of [
      [there, round],
      [back.then((bytes) => bytes.length), 20e6],
    ] as const) {
      const result = await within(
        20_000,
        Promise.resolve(call).catch((error: unknown) => error),
        'the call',
      );
      if (result instanceof WorkerCrashedError) continue;
      assert.equal(result, wanted);
    }
  }
});

for (const busy of [false, true]) {
  test(`the parent killed: its ${busy ? 'busy' : 'idle'} children are gone within a second`, () =>
    inFolder(async (folder) => {
      const before = await readdir('/dev/shm');
      const file = join(folder, 'pids');
      const program = spawn(
        process.execPath,
        [
          '--input-type=module',
          '-e',
          `import { Pool } from 'simul';
           import { appendFileSync } from 'node:fs';
           const pool = new Pool({ workers: 2, kind: 'process' });
           const pids = await pool.each(() => process.pid);
           if (${busy}) void pool.each(() => { for (;;); });
           appendFileSync(${JSON.stringify(file)}, pids.join(' '));
           console.log('up');
           setInterval(() => {}, 1000);`,
        ],
        { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] },
      );
      await once(program.stdout, 'data');
      const pids = (await readFile(file, 'utf8')).split(' ').map(Number);
      assert.equal(pids.filter(isAlive).length, 2);
      program.kill('SIGKILL');
      const killed = performance.now();
      await until(() => !pids.some(isAlive), 'the children are gone');
      assert.ok(performance.now() - killed < 1000);
      assert.deepEqual(await readdir('/dev/shm'), before);
    }));
}

test('a pool leaves no descriptor and no memory behind', { timeout: 60_000 }, async () => {
  const open = async (): Promise<number> => (await readdir('/proc/self/fd')).length;
  const mappings = async (): Promise<number> =>
    (await readFile('/proc/self/maps', 'utf8')).split('\n').filter((line) => line.includes('memfd:simul'))
      .length;
  const round = async (): Promise<void> => {
    const pool = new Pool({ workers: 2, kind: 'process' });
    await pool.each(() => 1);
    // Without a pause: a spare that is started meanwhile has its memory open while it is.
    const files = readdirSync('/proc/self/fd').map((fd) => {
      try {
        return readlinkSync(`/proc/self/fd/${fd}`);
      } catch {
        return '';
      }
    });
    assert.ok(!files.some((name) => name.includes('memfd')), 'the memory is not open once it is mapped');
    await pool.close();
  };
  await round();
  const before = await open();
  for (let i = 0; i < 3; i++) await round();
  assert.equal(await open(), before);
  // Mapped until nothing refers to it: the collector is made to look.
  const { setFlagsFromString } = await import('node:v8');
  setFlagsFromString('--expose-gc');
  const gc = (await import('node:vm')).runInNewContext('gc') as () => void;
  for (let i = 0; i < 100 && (await mappings()) > 0; i++) {
    gc();
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  assert.equal(await mappings(), 0);
});

// ---- values, output, calls within ------------------------------------------------------------------------------

processTest('10 MB there and back', 1, async (pool) => {
  const large = new Float64Array(1_250_000).map((_, i) => i);
  const twice = await pool.run((values: Float64Array) => values.map((x) => x * 2), large);
  assert.equal(twice.length, large.length);
  assert.ok(twice.every((x, i) => x === i * 2));
  const text = 'äb'.repeat(5e6);
  assert.equal(await pool.run((given: string) => `${given}!`, text), `${text}!`);
  const captured = new Uint8Array(10e6).fill(5);
  assert.equal(await pool.run(() => captured.reduce((a, b) => a + b, 0)), 50e6);
});

processTest('what is shared is refused before anything runs', 1, async (pool) => {
  const both = shared(Float64Array, 8);
  const refused = (error: unknown): boolean =>
    error instanceof SerializationError && /shared memory.*kind 'thread'/.test(error.message);
  await assert.rejects(
    pool.run((a: Float64Array) => a[0], both),
    refused,
  );
  await assert.rejects(
    pool.run(() => both[0]),
    refused,
  );
  await assert.rejects(
    pool.map([1], () => both.length),
    refused,
  );
  const later = pool.run(() => 1);
  await assert.rejects(async () => pool.run((n: number) => n + both[0]!, later), refused);
  await later;
  await assert.rejects(
    pool.map([both], (a) => a.length),
    refused,
  );
  await assert.rejects(
    pool.run(() => new SharedArrayBuffer(8)),
    refused,
  );
  await assert.rejects(
    pool.run((blob: Blob) => blob.size, new Blob(['a'])),
    SerializationError,
  );
});

processTest('into and forRange, which need no memory in common', 2, async (pool) => {
  const into = await pool.map([1, 2, 3], (n) => n * n, { into: new Float64Array(3) });
  assert.deepEqual([...into], [1, 4, 9]);
  const kept = shared(Int32Array, 3);
  assert.equal(await pool.map([1, 2, 3], (n) => n + 1, { into: kept }), kept);
  assert.deepEqual([...kept], [2, 3, 4]);
  await assert.rejects(
    pool.map([1], () => 'one' as unknown as number, { into: new Float64Array(1) }),
    /result of item 0 is a string/,
  );
  await inFolder(async (folder) => {
    const file = join(folder, 'ranges');
    await appendFile(file, '');
    await pool.forRange(1000, async (from, to) => {
      await (await import('node:fs/promises')).appendFile(file, `${from} ${to}\n`);
    });
    const lines = (await readFile(file, 'utf8')).trim().split('\n');
    const ranges = lines.map((line) => line.split(' ').map(Number)).sort((a, b) => a[0]! - b[0]!);
    assert.equal(ranges[0]![0], 0);
    assert.equal(ranges.at(-1)![1], 1000);
    for (let i = 1; i < ranges.length; i++) assert.equal(ranges[i]![0], ranges[i - 1]![1]);
  });
});

test('what children print arrives complete, in order with results', async () => {
  const { stdout, stderr, code } = await script(`
    import { Pool } from 'simul';
    const pool = new Pool({ workers: 1, kind: 'process' });
    for (let i = 0; i < 20; i++) {
      await pool.run((n) => { for (let k = 0; k < 50; k++) console.log('line', n * 50 + k); }, i);
      console.log('after', i);
    }
    await pool.run(() => { console.error('x'.repeat(2e6)); process.exit(0); }).catch(() => {});
    await pool.run(async () => (await import('node:fs')).writeSync(1, 'raw\\n'));
    await pool.close();
    console.log('end');
  `);
  assert.equal(code, 0);
  const wanted = Array.from({ length: 20 }, (_, i) => [
    ...Array.from({ length: 50 }, (_, k) => `line ${i * 50 + k}`),
    `after ${i}`,
  ]).flat();
  assert.deepEqual(stdout.trim().split('\n'), [...wanted, 'raw', 'end']);
  assert.equal(stderr, `${'x'.repeat(2e6)}\n`);
});

processTest('tasks call the pool that they run in', 2, async (pool) => {
  // Again and again: their answers come in the midst of other tasks, whose calls they are not to be taken for.
  for (let round = 0; round < 8; round++) {
    const sums = await pool.map([10, 20, 30], async (n) => {
      const squares = await map(
        Array.from({ length: n }, (_, i) => i),
        (i) => i * i,
      );
      return squares.reduce((a, b) => a + b, 0) + (await run((x: number) => x, n));
    });
    assert.deepEqual(sums, [285 + 10, 2470 + 20, 8555 + 30]);
  }
  const large = await pool.run(async () => (await run((a: Uint8Array) => a.length, new Uint8Array(5e6))) + 1);
  assert.equal(large, 5e6 + 1);
});

processTest('a pool of threads inside a process', 1, async (pool) => {
  const sum = await pool.run(async () => {
    const { Pool: Inner, shared: own } = await import('simul');
    const inner = new Inner({ workers: 2 });
    const cells = own(Int32Array, 4);
    await inner.forRange(4, (from, to) => {
      for (let i = from; i < to; i++) cells[i] = i;
    });
    await inner.close();
    return cells.reduce((a, b) => a + b, 0);
  });
  assert.equal(sum, 6);
});

test('without koffi processes share no memory, and work', () =>
  inFolder(async (folder) => {
    await cp(new URL('dist', root), join(folder, 'dist'), { recursive: true });
    await mkdir(join(folder, 'node_modules'));
    await symlink(new URL('node_modules/acorn', root), join(folder, 'node_modules/acorn'));
    const { stdout, stderr } = await script(`
      import { Pool } from '${pathToFileURL(join(folder, 'dist/index.js')).href}';
      const pool = new Pool({ workers: 2, kind: 'process' });
      console.log(await pool.run(() => process.argv.length + process.pid * 0));
      console.log((await pool.map([1, 2, 3], (n) => n * 2)).join(' '));
      await pool.close();
      console.log('closed');
    `);
    assert.equal(stderr, '');
    assert.equal(stdout, '2\n2 4 6\nclosed\n');
  }));

processTest('an idle child waits for its parent alone', 1, async (pool) => {
  const living = await pool.run(() => process.getActiveResourcesInfo());
  // The thread that reads for it is no resource that Node tells of.
  assert.deepEqual(living, sharesMemory ? ['PipeWrap'] : []);
});

test('a program ends by itself while its pool is idle, and children with it', async () => {
  const { code, stdout } = await script(`
    import { Pool } from 'simul';
    const pool = new Pool({ workers: 2, kind: 'process' });
    console.log((await pool.each(() => process.pid)).join(' '));
  `);
  assert.equal(code, 0);
  const pids = stdout.trim().split(' ').map(Number);
  await until(() => !pids.some(isAlive), 'the children are gone');
});

test('flags, environment and the heap are the children’s own', async () => {
  const { stdout } = await script(
    `
    import { Pool } from 'simul';
    process.env.GIVEN = 'here';
    const pool = new Pool({ workers: 1, kind: 'process', maxHeap: 64 * 2 ** 20 });
    console.log(JSON.stringify(await pool.run(() => [process.execArgv, process.env.GIVEN, process.argv.length])));
    await pool.close();
  `,
    ['--no-warnings'],
  );
  const [flags, given, count] = JSON.parse(stdout) as [string[], string, number];
  assert.deepEqual(flags, ['--no-warnings', '--max-old-space-size=64']);
  assert.equal(given, 'here');
  assert.equal(count, 2);
});

processTest('a large argument is the task’s own, each time and each attempt', 1, async (pool) => {
  const array = new Float64Array(2 ** 20).fill(1);
  const change = (values: Float64Array): number => {
    const was = values[0]! + values[values.length - 1]!;
    values.fill(7);
    if (task().attempt === 1) process.kill(process.pid, 'SIGKILL');
    return was;
  };
  assert.equal(
    await pool.with({ retries: 1 }).run(change, array),
    2,
    'the second attempt gets what the first got',
  );
  const use = (values: Float64Array): number => {
    const was = values[0]! + values[values.length - 1]!;
    values.fill(7);
    return was;
  };
  assert.deepEqual(await Promise.all([1, 2, 3].map(() => pool.run(use, array))), [2, 2, 2]);
  assert.deepEqual(await pool.map([array, array, array], use, { chunk: 3 }), [2, 2, 2]);
  const both = pool.run(
    (a: Float64Array, b: Float64Array) => {
      a[0] = 5;
      return b[0];
    },
    array,
    array,
  );
  assert.equal(await both, 5, 'one array in one call stays one');
  assert.equal(array[0], 1);
});

processTest(
  'an error or a reason that holds what no process can be sent comes without it',
  1,
  async (pool) => {
    const pid = await pool.run(() => process.pid);
    const fails = pool.run(async () => {
      const crypto = await import('node:crypto');
      throw Object.assign(new RangeError('locked'), { key: crypto.createSecretKey(Buffer.from('secret')) });
    });
    await assert.rejects(
      fails,
      (error) => error instanceof RangeError && error.message === 'locked' && !('key' in error),
    );
    const stop = new AbortController();
    const reason = Object.assign(new Error('enough'), { key: createSecretKey(Buffer.from('secret')) });
    const heard = pool.with({ signal: stop.signal, grace: 5000 }).run(
      () =>
        new Promise((resolve) => {
          const { signal } = task();
          signal.addEventListener('abort', () => resolve(String(signal.reason)));
        }),
    );
    await until(() => heard.state === 'running', 'it runs');
    stop.abort(reason);
    await assert.rejects(heard, (error) => error === reason);
    assert.equal(await pool.run(() => process.pid), pid, 'the worker goes on');
  },
);

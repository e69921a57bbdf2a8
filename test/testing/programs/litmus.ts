/** Small programs with known outcomes; each run adds its own to `outcomes`. */
import { add, load, store, waitAsync, waitWhile, wake } from '#simul/memory/atomics.js';
import type { Scenario, Stage } from '#simul/testing/index.js';

export const outcomes = new Set<string>();

const words = (): Int32Array => new Int32Array(new SharedArrayBuffer(64));

/** Each writes its own word and reads the other's: with sequential consistency at least one sees the other. */
export function storeBuffering(): Scenario {
  const w = words();
  let [a, b] = [-1, -1];
  return {
    actors: {
      one() {
        store(w, 0, 1);
        a = load(w, 1);
      },
      two() {
        store(w, 1, 1);
        b = load(w, 0);
      },
    },
    check: () => void outcomes.add(`${a}${b}`),
  };
}

/** Two readers of two words: they agree on the order of the writes. */
export function independentReads(): Scenario {
  const w = words();
  let [one, two] = ['', ''];
  return {
    actors: {
      writeX: () => store(w, 0, 1),
      writeY: () => store(w, 1, 1),
      readXY() {
        one = `${load(w, 0)}${load(w, 1)}`;
      },
      readYX() {
        two = `${load(w, 1)}${load(w, 0)}`;
      },
    },
    check: () => void outcomes.add(`${one} ${two}`),
  };
}

/** An addition is one step; a load and a store are two, in between which others may come. */
export function lostUpdate(): Scenario {
  const w = words();
  return {
    actors: {
      adds: () => void add(w, 0, 1),
      alsoAdds: () => void add(w, 0, 1),
      loadsAndStores: () => store(w, 0, load(w, 0) + 1),
    },
    check: () => void outcomes.add(`${w[0]}`),
  };
}

/** A sleeper that is woken, finds another value, or runs out of time. */
export function sleeper(): Scenario {
  const w = words();
  let seen = '';
  return {
    actors: {
      sleeper() {
        waitWhile(w, 0, 0, 1000);
        seen = `${load(w, 0)}${load(w, 1)}${load(w, 2)}`;
      },
      waker() {
        store(w, 1, 1);
        store(w, 0, 1);
        wake(w, 0);
        store(w, 2, 1);
      },
    },
    check: () => void outcomes.add(seen),
  };
}

/** An event loop with a timer, a message and a wake-up. */
export function events(stage: Stage): Scenario {
  const w = words();
  const [here, there] = stage.channel();
  const seen: string[] = [];
  return {
    actors: {
      loop() {
        here.on('message', (message) => seen.push(String(message)));
        setTimeout(() => {
          seen.push(`timer ${load(w, 1)}`);
        }, 1);
        const woken = waitAsync(w, 0, 0);
        if (woken === undefined) seen.push('late');
        else void woken.then(() => seen.push('woken'));
        while (seen.length < 3) stage.turn();
      },
      other() {
        store(w, 1, 1);
        there.postMessage('message');
        store(w, 0, 1);
        wake(w, 0);
      },
    },
    check: () => void outcomes.add(seen.join(', ')),
  };
}

/** Reads a value that nothing orders after its writing. */
export function race(): Scenario {
  const w = words();
  return {
    names: [[w, 0, 'value']],
    actors: {
      writer() {
        w[0] = 1;
        store(w, 1, 1);
      },
      reader() {
        if (load(w, 2) === 0 && w[0] === 1) outcomes.add('seen');
      },
    },
  };
}

/** The same, with an order. */
export function handOver(): Scenario {
  const w = words();
  return {
    actors: {
      writer() {
        w[0] = 1;
        store(w, 1, 1);
      },
      reader() {
        if (load(w, 1) === 1) outcomes.add(`${w[0]}`);
      },
    },
  };
}

/** Written after the flag was raised: ordered by program text, by nothing else. */
export function lateWrite(): Scenario {
  const w = words();
  return {
    actors: {
      writer() {
        store(w, 1, 1);
        w[0] = 1;
      },
      reader() {
        if (load(w, 1) === 1) outcomes.add(`${w[0]}`);
      },
    },
  };
}

/** The flag that is seen may have been raised by another than who wrote the value. */
export function otherFlag(): Scenario {
  const w = words();
  return {
    actors: {
      writer() {
        w[0] = 1;
        store(w, 1, 1);
      },
      other: () => store(w, 1, 1),
      reader() {
        if (load(w, 1) === 1) outcomes.add(`${w[0]}`);
      },
    },
  };
}

/** Spins for ever where nobody else runs. */
export function spin(): Scenario {
  const w = words();
  return {
    actors: {
      spinner() {
        while (load(w, 0) === 0);
      },
      setter: () => store(w, 0, 1),
    },
  };
}

/** What cannot be stepped is refused, not passed over. */
export function nativeCallback(): Scenario {
  const w = words();
  return {
    actors: {
      one: () =>
        [1, 2].forEach((at) => {
          store(w, at, 1);
        }),
    },
  };
}
export function ownConstructor(): Scenario {
  const w = words();
  class Loads {
    readonly value = load(w, 0);
  }
  return { actors: { one: () => void new Loads() } };
}

/** What `scripted` does: for each actor, its operations, each with a word or another actor. Set by the test. */
export const script: [operation: string, word: number][][] = [];

/** Every load and event is part of the outcome, and so is what is left in memory. */
export function scripted(stage: Stage): Scenario {
  const w = words();
  const seen: string[] = [];
  const actors: Record<string, () => void> = {};
  const channels: ReturnType<Stage['channel']>[] = [];
  for (const _ of script) channels.push(stage.channel());
  for (const operations of script) {
    const own = seen.length;
    let turns = false;
    for (const [operation] of operations) if (operation === 'turn') turns = true;
    seen.push('');
    actors[`actor ${own}`] = () => {
      let values = '';
      const [here] = channels[own]!;
      if (turns) {
        here.on('message', (message) => {
          values += `m${message}${load(w, 0)}`;
        });
      }
      for (const [operation, word] of operations) {
        if (operation === 'load') values += load(w, word);
        else if (operation === 'store') store(w, word, own + 1);
        else if (operation === 'add') values += add(w, word, 1);
        else if (operation === 'wait') waitWhile(w, word, 0, 1000);
        else if (operation === 'wake') wake(w, word);
        else if (operation === 'turn') stage.turn();
        else if (operation === 'post') channels[word % script.length]![1].postMessage(own);
        else if (operation === 'timer') {
          setTimeout(() => {
            values += `t${load(w, word)}`;
          }, 1);
        } else {
          const woken = waitAsync(w, word, 0);
          if (woken === undefined) values += 'late';
          else {
            void woken.then(() => {
              values += 'w';
            });
          }
        }
      }
      seen[own] = values;
    };
  }
  return { actors, check: () => void outcomes.add(`${seen.join(' ')} | ${w[0]}${w[1]}${w[2]}`) };
}

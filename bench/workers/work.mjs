// The peers' side of jobs.ts.
function burn(x, rounds) {
  let h = x | 0;
  for (let i = 0; i < rounds; i++) h = (Math.imul(h, 1664525) + 1013904223) | 0;
  return h;
}

const functions = {
  echo: (argument) => argument,
  tiny: (x) => Math.sqrt(x) * 1.5,
  micro: (x) => burn(x, 1_000),
  milli: (x) => burn(x, 1_000_000),
  flight: ({ delay, distance }) => burn(delay + distance, 5_000),
  ends: (values) => values[0] + values[values.length - 1],
  make: (length) => {
    const values = new Float64Array(length);
    values[length - 1] = length;
    return values;
  },
};

export function many(job, items) {
  const fn = functions[job];
  return items.map((item) => fn(item));
}

export function work({ job, argument }) {
  if (argument !== null && typeof argument === 'object' && argument.many !== undefined) {
    return many(argument.many, argument.items);
  }
  return functions[job](argument);
}

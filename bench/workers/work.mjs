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
};

export function work({ job, argument }) {
  if (argument !== null && typeof argument === 'object' && argument.many !== undefined) {
    const fn = functions[argument.many];
    return argument.items.map((item) => fn(item));
  }
  return functions[job](argument);
}

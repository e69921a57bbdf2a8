// One sample of bench/memory.ts, in a process of its own: streams as many items as told and prints the most memory, in MB.
import { readFileSync } from 'node:fs';
import { Pool } from 'simul';

const count = Number(process.argv[2]);

function* numbers() {
  for (let i = 0; i < count; i++) yield i;
}

const pool = new Pool({ workers: 2 });
let sum = 0;
for await (const result of pool.stream(numbers(), (x) => x + 1)) sum += result;
if (sum !== (count * (count + 1)) / 2) throw new Error(`the sum is ${sum}`);
await pool.close();
console.log(peak() / 1024);

/** In KB. On Linux `maxRSS` counts what the process that started this one had before. */
function peak() {
  if (process.platform !== 'linux') return process.resourceUsage().maxRSS;
  return Number(/^VmHWM:\s*(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8'))[1]);
}

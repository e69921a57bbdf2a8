/**
 * A web server with a heavy route: /primes counts in a worker, so / answers at once meanwhile.
 * The program asks itself to show it, then ends.
 */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { run } from 'simul';

function countPrimes(below: number): number {
  let count = 0;
  for (let n = 2, d: number; n < below; n++) {
    for (d = 2; d * d <= n && n % d !== 0; ) d++;
    if (d * d > n) count++;
  }
  return count;
}

const server = createServer(({ url }, response) => {
  if (url !== '/primes') return void response.end('hello');
  const count = run(countPrimes, 1_000_000);
  response.on('close', () => count.cancel()); // nobody counts for a client that left
  count.then((n) => response.end(`${n} primes`)).catch((error) => response.destroy(error));
});
await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
const { port } = server.address() as AddressInfo;

async function ask(path: string): Promise<number> {
  const begun = performance.now();
  const text = await (await fetch(`http://127.0.0.1:${port}${path}`)).text();
  if (path !== '/') console.log(`${path}: ${text} in ${(performance.now() - begun).toFixed(0)} ms`);
  return performance.now() - begun;
}
let open = 6;
for (let i = 0; i < 6; i++) ask('/primes').then(() => open--);
const light: number[] = [];
while (open > 0) light.push(await ask('/'));
const median = light.sort((a, b) => a - b)[light.length >> 1]!.toFixed(1);
console.log(`/: ${light.length} answers meanwhile, half of them within ${median} ms`);
server.close();

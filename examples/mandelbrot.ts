/**
 * The Mandelbrot set: all workers write into one picture in shared memory. Rows differ a hundredfold in cost, so `forRange`
 * gives each worker more as it is done.
 */
import { forRange, shared } from 'simul';

const width = Number(process.argv[2] ?? 1200);
const height = Math.round((width * 2) / 3);
const most = 2000;

/** Steps until the point leaves the circle of radius 2; `most` for points of the set. */
function steps(x: number, y: number): number {
  let [a, b] = [0, 0];
  for (let i = 0; i < most; i++) {
    if (a * a + b * b > 4) return i;
    [a, b] = [a * a - b * b + x, 2 * a * b + y];
  }
  return most;
}

function draw(picture: Uint16Array, from: number, to: number): void {
  for (let i = from * width; i < to * width; i++) {
    picture[i] = steps((3 * (i % width)) / width - 2.1, (2 * Math.floor(i / width)) / height - 1);
  }
}

const picture = shared(Uint16Array, width * height);
console.time('on all cores');
await forRange(height, (from, to) => draw(picture, from, to));
console.timeEnd('on all cores');

for (let row = 0; row < height; row += height >> 4) {
  const dots = Array.from({ length: 64 }, (_, i) => picture[row * width + Math.floor((i * width) / 64)]!);
  console.log(dots.map((n) => (n === most ? '#' : n > 20 ? '+' : n > 8 ? '.' : ' ')).join(''));
}
const alone = new Uint16Array(width * height);
draw(alone, 0, height);
console.log(`${picture.filter((n) => n === most).length} of ${width * height} points are in the set`);
console.log(picture.every((n, i) => n === alone[i]) ? 'The same as in one thread.' : 'NOT as in one thread');

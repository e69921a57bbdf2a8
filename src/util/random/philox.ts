/**
 * Philox4x32-10: a counter-based generator (Salmon, Moraes, Dror, Shaw: "Parallel random numbers: as easy as 1, 2,
 * 3", SC '11). Its output is a pure function of key and counter, so every stream is reached at once and none
 * overlaps another.
 */
const M0 = 0xd2511f53;
const M1 = 0xcd9e8d57;
const W0 = 0x9e3779b9;
const W1 = 0xbb67ae85;

/** The high 32 bits of a product of two 32-bit numbers. */
function high(a: number, b: number): number {
  const al = a & 0xffff;
  const ah = a >>> 16;
  const bl = b & 0xffff;
  const bh = b >>> 16;
  const low = al * bl;
  const mid = ah * bl + (low >>> 16);
  const mid2 = al * bh + (mid & 0xffff);
  return (ah * bh + Math.floor(mid / 65536) + (mid2 >>> 16)) >>> 0;
}

/** Encrypts the counter `c0..c3` under the key `k0, k1` into `out[0..3]`. */
export function philox(
  c0: number,
  c1: number,
  c2: number,
  c3: number,
  k0: number,
  k1: number,
  out: Uint32Array,
): void {
  let a = c0;
  let b = c1;
  let c = c2;
  let d = c3;
  let x = k0;
  let y = k1;
  for (let round = 0; round < 10; round++) {
    const hi0 = high(M0, a >>> 0);
    const lo0 = Math.imul(M0, a);
    const hi1 = high(M1, c >>> 0);
    const lo1 = Math.imul(M1, c);
    a = hi1 ^ b ^ x;
    b = lo1;
    c = hi0 ^ d ^ y;
    d = lo0;
    x = (x + W0) | 0;
    y = (y + W1) | 0;
  }
  out[0] = a;
  out[1] = b;
  out[2] = c;
  out[3] = d;
}

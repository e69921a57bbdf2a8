export { philox } from './philox.js';
export { createRandom, type Random } from './random.js';

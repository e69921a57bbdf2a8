/** Worker processes killed and stopped at any moment, over both ways that lead to them. */
import { surviveKilling } from '../process/killing.js';
import { rounds } from './support.js';

for (const memory of ['on', 'off']) {
  rounds(`processes that are killed, with shared memory ${memory}`, 0.45, (_, seed) => {
    process.env['SIMUL_SHARED_MEMORY'] = memory;
    return surviveKilling(seed);
  });
}

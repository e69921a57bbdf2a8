/** The suite of the same name, on pools of processes that share no memory. */
process.env.SIMUL_TEST_KIND = 'process';
process.env.SIMUL_SHARED_MEMORY = 'off';
await import('../api/deadlocks.test.js');

export {};

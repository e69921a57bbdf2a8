/** The suite of the same name, on pools of processes. */
process.env.SIMUL_TEST_KIND = 'process';
await import('../api/crashes.test.js');

export {};

// No ES module: it would not listen yet when the pool says its first word, and wait for it for ever.
const { ClusterWorker } = require('poolifier');
const { work } = require('./work.mjs');

module.exports = new ClusterWorker(work);

/** Loaded into each test process: ends it when the runner is gone, whose SIGKILL nobody can pass on. */
const runner = process.ppid;
const ORPHAN_LOOK = 1000; // milliseconds

setInterval(() => {
  if (process.ppid !== runner) process.kill(process.pid, 'SIGTERM');
}, ORPHAN_LOOK).unref();

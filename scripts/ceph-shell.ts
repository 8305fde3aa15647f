/** A micro Ceph cluster for as long as a shell is open: `rbd`, `ceph` and `rados` in it talk to that cluster. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { MicroCeph } from '../test/support/micro-ceph.ts';
import { step } from './step.ts';

// The shell gets Ctrl-C; this process only waits for it.
process.on('SIGINT', () => {});
await using ceph = await step('micro Ceph: mon, mgr, osd', () => MicroCeph.start());
await step('pool rbd', () => ceph.freshPool('rbd'));
console.log(`
  CEPH_CONF=${ceph.conf}
  Try: rbd create hello --size 1G; rbd ls; ceph -s.   The cluster ends with this shell.
`);
const env = { ...process.env, CEPH_CONF: ceph.conf, LOLIGO_TEST_CEPH: ceph.dir };
const shell = spawn(process.env['SHELL'] ?? 'bash', { stdio: 'inherit', env });
for (const signal of ['SIGTERM', 'SIGHUP'] as const) process.on(signal, () => shell.kill('SIGHUP'));
await once(shell, 'exit');

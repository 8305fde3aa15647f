/** `micro-ceph-cli.ts start|stop|env <dir>`: a micro cluster by hand. `env` prints what a shell needs to talk to it. */
import { MicroCeph } from './micro-ceph.ts';

const [verb, dir] = process.argv.slice(2);
if (dir === undefined) throw new Error('usage: micro-ceph-cli.ts start|stop|env <dir>');

if (verb === 'start') {
  const began = Date.now();
  const ceph = await MicroCeph.start({ dir, tied: false });
  console.log(`healthy after ${((Date.now() - began) / 1000).toFixed(1)} s: export CEPH_CONF=${ceph.conf}`);
} else if (verb === 'stop') {
  await MicroCeph.attach(dir).stop();
} else if (verb === 'env') {
  console.log(`export CEPH_CONF=${MicroCeph.attach(dir).conf}`);
} else {
  throw new Error(`unknown: ${verb}`);
}

/** `make vm`: a virtual machine with Debian's kernel beside a micro Ceph cluster, and its console; both end with it. */
import { MicroCeph } from '../test/support/micro-ceph.ts';
import { debianKernel } from '../test/support/vm/kernel.ts';
import { Machine } from '../test/support/vm/machine.ts';
import { VmNetwork } from '../test/support/vm/network.ts';
import { step } from './step.ts';

// The machine's shell gets Ctrl-C; this process only waits for its end.
process.on('SIGINT', () => {});
using network = await VmNetwork.start();
await step("Debian's kernel", debianKernel);
await using ceph = await step('micro Ceph: mon, mgr, osd', () => MicroCeph.start({ network }));
await step('pool rbd', () => ceph.freshPool('rbd'));
console.log(`
  The shell of the machine follows; \`poweroff\` ends it. This machine's /usr is there read-only, the checkout is /project,
  /var/lib/loligo is its disk. Ceph's programs find the cluster: rbd ls; rbd device map -o noudev …; rbd device list

  From outside: export CEPH_CONF=${ceph.conf}; nsenter --net=${network.namespace} ceph -s
`);
await using machine = await Machine.start(network, { interactive: true });
await machine.useCeph(ceph);
for (const signal of ['SIGTERM', 'SIGHUP'] as const) process.on(signal, () => void machine.cut());
await machine.ended();

/** The network and the Ceph cluster of this run; `scripts/test-vm.ts` starts both and says where they are. */
import type { MicroCeph } from '../micro-ceph.ts';
import { sharedCeph } from '../shared-ceph.ts';
import { VmNetwork } from './network.ts';

export function sharedNetwork(): { readonly network: VmNetwork; readonly ceph: MicroCeph } {
  const namespace = process.env['LOLIGO_TEST_VM_NETWORK'];
  if (namespace === undefined) throw new Error(`no machine can be started: run this as \`make test-vm T=<file>\``);
  return { network: VmNetwork.attach(namespace), ceph: sharedCeph() };
}

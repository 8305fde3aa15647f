/** Says in a second what this machine lacks for `make e2e`; exit code 1 when it lacks anything. Nothing is skipped for it. */
import { machineLacks } from '../test/support/kubernetes/machine.ts';
import { RUN } from '../test/support/micro-ceph.ts';

const lacks = await machineLacks(RUN);
if (lacks.length > 0) console.error('no Kubernetes can run on this machine, so `make e2e` cannot. It lacks');
for (const one of lacks) console.error(`  ${one}`);
process.exitCode = lacks.length === 0 ? 0 : 1;

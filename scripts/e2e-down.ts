/** `make e2e-down`: takes down what `make e2e-up` left running, and what killed runs of `make e2e` left. */
import { join } from 'node:path';
import { sweepClusters, tearDown } from '../test/support/kubernetes/tear-down.ts';
import { RUN } from '../test/support/micro-ceph.ts';
import { step } from './step.ts';

await step('down', async () => {
  await tearDown(join(RUN, 'e2e'));
  await sweepClusters(RUN);
});

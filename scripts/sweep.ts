/** Ends what clusters of killed runs left. */
import { mkdirSync } from 'node:fs';
import { sweep } from '../test/support/ceph/bring-up.ts';
import { sweepClusters } from '../test/support/kubernetes/tear-down.ts';
import { RUN } from '../test/support/micro-ceph.ts';

mkdirSync(RUN, { recursive: true });
await sweepClusters(RUN);
await sweep(RUN);
